//! What goes on beside the run's own thread, which alone has the local store: reading, mapping and sending.

use super::Stop;
use tokio::task::JoinHandle;

/// A task under way. It goes no further once this is dropped.
pub(super) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    /// Begins.
    pub(super) fn start(work: impl Future<Output = T> + Send + 'static) -> Task<T> {
        Task(tokio::spawn(work))
    }

    /// Whether it has come to its end.
    pub(super) fn has_ended(&self) -> bool {
        self.0.is_finished()
    }

    /// What came of it.
    pub(super) async fn end(&mut self) -> Result<T, Stop> {
        (&mut self.0).await.map_err(|failed| match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Stop::Run("a task of the run was called off".to_owned()),
        })
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
