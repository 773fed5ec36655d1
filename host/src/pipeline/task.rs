//! What goes on beside the run's own thread, which alone has the local store: reading, mapping and sending.

use super::Stop;
use std::collections::VecDeque;
use tokio::task::JoinHandle;

/// A task under way. It goes no further once this is dropped.
pub(super) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    /// Begins.
    pub(super) fn start(work: impl Future<Output = T> + Send + 'static) -> Task<T> {
        Task(tokio::spawn(work))
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

/// What came of the first of the tasks under way, and of those after it that have ended by then; `None` where there is
/// none.
pub(super) async fn first_ended<T: Send + 'static>(
    under_way: &mut VecDeque<Task<Vec<T>>>,
) -> Result<Option<Vec<T>>, Stop> {
    let Some(mut first) = under_way.pop_front() else { return Ok(None) };
    let mut results = first.end().await?;
    results.extend(ended(under_way).await?);
    Ok(Some(results))
}

/// What came of the tasks under way that have ended, up to the first that has not.
pub(super) async fn ended<T: Send + 'static>(under_way: &mut VecDeque<Task<Vec<T>>>) -> Result<Vec<T>, Stop> {
    let mut results = Vec::new();
    while let Some(mut task) = under_way.pop_front_if(|task| task.0.is_finished()) {
        results.extend(task.end().await?);
    }
    Ok(results)
}
