//! What the transport carries: a request, its answer, and why there is none.

use super::tally::Purpose;
use super::token::Token;
use super::unreachable::Unreachable;
use crate::ports::RemoteError;
use reqwest::Method;
use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use std::time::Duration;
use sync_core::object::ObjectName;
use url::Url;

/// What a server asks for beyond this is as good as for ever, and would overflow what it is added to.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// One request, still to be sent.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// On whose account it goes; none: nobody's, such as a login.
    pub(super) object: Option<&'a ObjectName>,
    /// What it is for.
    pub(super) purpose: Purpose,
    /// The method.
    pub(super) method: Method,
    /// What the address does not tell of it, for messages.
    pub(super) detail: Option<&'a str>,
    /// The whole address.
    pub(super) url: Url,
    /// Headers of its own; with one of them, it need not be JSON that is sent or accepted.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// A body; JSON unless `headers` say otherwise.
    pub(super) body: Option<Vec<u8>>,
    /// The login: a session, or [`Http::authorization`]. A token or key that the transport has is added by itself.
    pub(super) authorization: Option<HeaderValue>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(super) struct Reply {
    /// The HTTP status.
    pub(super) status: u16,
    /// Its headers.
    pub(super) headers: HeaderMap,
    /// Its body.
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// Whether the status says that it worked.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// How long the server asks to be left alone: seconds, or a date, which is measured by the server's own
    /// clock and never by ours.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let text = self.header(RETRY_AFTER.as_str())?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds).min(LONGEST_PAUSE));
        }
        let instant =
            |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp().as_second());
        let seconds = instant(text)? - instant(self.header(DATE.as_str())?)?;
        Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)).min(LONGEST_PAUSE))
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// No connection: nothing was sent.
    Unreachable(Unreachable),
    /// Not sent: the server asks to be left alone, for longer than a request waits.
    Closed(Duration),
    /// Not sent: there is no token to send it with.
    NoToken(RemoteError),
    /// Not sent: it would leave the server, and the login with it.
    Elsewhere,
    /// Sent, and the connection ended before the answer did.
    Lost(String),
    /// Sent, and no answer in time, or no end of it.
    TimedOut(Missing),
    /// The answer is larger than any that is expected.
    TooLarge,
}

/// What did not come in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// All of the answer.
    Beginning,
    /// The end of it.
    End,
}

/// Who a request is for, and what is sent along for a login.
#[derive(Debug, Clone, Copy)]
pub(super) enum Login<'a> {
    /// The remote; with the token where there is one.
    Remote(Option<&'a Token>),
    /// The token endpoint: the call has it all.
    TokenEndpoint,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(headers: &[(&'static str, &str)]) -> Reply {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()));
        Reply { status: 503, headers: headers.collect(), body: Vec::new() }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_servers_clock() {
        let date = "Tue, 05 Mar 2024 10:00:00 GMT";
        let later = "Tue, 05 Mar 2024 10:00:07 GMT";
        assert_eq!(reply(&[("retry-after", "3")]).retry_after(), Some(Duration::from_secs(3)));
        assert_eq!(
            reply(&[("retry-after", later), ("date", date)]).retry_after(),
            Some(Duration::from_secs(7))
        );
        assert_eq!(reply(&[("retry-after", date), ("date", later)]).retry_after(), Some(Duration::ZERO));
        assert_eq!(reply(&[("retry-after", later)]).retry_after(), None);
        let ever = u64::MAX.to_string();
        assert_eq!(reply(&[("retry-after", &ever)]).retry_after(), Some(LONGEST_PAUSE));
    }
}
