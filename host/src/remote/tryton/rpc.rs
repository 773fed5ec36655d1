//! Tryton's JSON-RPC: the session, and what an answer is. Every call is a POST, also those that only read; an
//! error of the application comes with status 200, and its transaction is then rolled back.

use super::wire::{self, Fault};
use crate::ports::{RemoteError, Scope, WriteError};
use crate::remote::http::{Call, Http, Reply, sensitive};
use crate::remote::tally::Purpose;
use crate::remote::{Credentials, Settings};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::marker::PhantomData;
use std::sync::Arc;
use sync_core::object::{Object, ObjectName};
use tokio::sync::Mutex;
use url::Url;

/// An answer: a result, or an error of the application.
pub(super) type Parsed<T> = Result<Result<T, Fault>, serde_json::Error>;

/// Parses an answer without a form of its own.
pub(super) fn plain<T: DeserializeOwned>(body: &[u8]) -> Parsed<T> {
    wire::answer(body, PhantomData::<T>)
}

/// A login. Basic authentication would do too, but its password hash costs the server half a second a request.
#[derive(Debug)]
struct Session {
    authorization: HeaderValue,
    /// What every call says of the user: company, employee, language.
    context: Map<String, Value>,
}

/// The connection to one database.
#[derive(Debug)]
pub(super) struct Rpc {
    /// The transport.
    pub(super) http: Http,
    endpoint: Url,
    session: Mutex<Option<Arc<Session>>>,
}

/// A method of a model with its parameters, all but the context.
#[derive(Debug)]
pub(super) struct Invocation<'a> {
    /// Whose records.
    pub(super) object: &'a Object,
    /// What it is for.
    pub(super) purpose: Purpose,
    /// Of the object's model.
    pub(super) method: &'static str,
    /// All but the last.
    pub(super) params: Vec<Value>,
    /// What the context says besides the session's.
    pub(super) context: Map<String, Value>,
}

impl Rpc {
    /// Prepares the connection; nothing is contacted.
    ///
    /// # Errors
    /// A machine on which there is no TLS.
    pub(super) fn new(settings: Settings) -> Result<Rpc, RemoteError> {
        let mut endpoint = settings.url.clone();
        endpoint.set_query(None);
        if let Ok(mut path) = endpoint.path_segments_mut() {
            // The slash at the end matters: without it there is a redirect.
            path.pop_if_empty().extend(["rpc", ""]);
        }
        Ok(Rpc { http: Http::new(settings)?, endpoint, session: Mutex::default() })
    }

    /// Logs in, unless that is done.
    ///
    /// # Errors
    /// Wrong user or password, no such database, no answer.
    pub(super) async fn connect(&self) -> Result<(), RemoteError> {
        self.session(None).await.map(|_| ())
    }

    /// Calls what is safe to repeat.
    ///
    /// # Errors
    /// Whatever went wrong; an error of the application is the object's.
    pub(super) async fn read<T>(
        &self,
        invocation: &Invocation<'_>,
        parse: impl FnOnce(&[u8]) -> Parsed<T>,
    ) -> Result<T, RemoteError> {
        let mut session = self.session(None).await?;
        let name = invocation.name();
        let mut reply = self.http.read(&self.call(invocation, &name, &session)).await?;
        if reply.status == 401 {
            session = self.session(Some(&session)).await?;
            reply = self.http.read(&self.call(invocation, &name, &session)).await?;
        }
        let call = self.call(invocation, &name, &session);
        self.understood(&call, reply, parse)?.map_err(|fault| self.failed(&call, invocation.object, &fault))
    }

    /// Calls what changes something, once; a session that has ended changes nothing and is renewed.
    ///
    /// # Errors
    /// As for any write. An error of the application is a refusal, and a lost race [`WriteError::Moved`].
    pub(super) async fn write<T: DeserializeOwned>(
        &self,
        invocation: &Invocation<'_>,
    ) -> Result<T, WriteError> {
        let mut session = self.session(None).await?;
        let name = invocation.name();
        let mut reply = self.http.write(&self.call(invocation, &name, &session)).await?;
        if reply.status == 401 {
            session = self.session(Some(&session)).await?;
            reply = self.http.write(&self.call(invocation, &name, &session)).await?;
        }
        let call = self.call(invocation, &name, &session);
        if reply.status >= 500 {
            let message = self.http.unexpected(&call, &reply).message;
            return Err(WriteError::FateUnknown { message, may_still_run: false });
        }
        let unreadable = |error: RemoteError| match error.scope {
            Scope::Run => WriteError::Remote(error),
            // It said success, and not what came of it: the result may be there later than we look.
            Scope::Object => WriteError::FateUnknown { message: error.message, may_still_run: true },
        };
        let success = reply.is_success();
        let result = self.understood(&call, reply, plain::<T>);
        let result =
            result.map_err(|error| if success { unreadable(error) } else { WriteError::Remote(error) })?;
        result.map_err(|fault| match fault.name.as_str() {
            "ConcurrencyException" => WriteError::Moved,
            _ => WriteError::Refused { code: fault.code(), message: self.told(invocation.object, &fault) },
        })
    }

    fn call<'a>(&self, invocation: &'a Invocation<'_>, name: &'a str, session: &Session) -> Call<'a> {
        let mut context = session.context.clone();
        context.extend(invocation.context.clone());
        let mut params = invocation.params.clone();
        params.push(Value::Object(context));
        let authorization = Some(session.authorization.clone());
        self.post(Some(&invocation.object.name), invocation.purpose, name, &params, authorization)
    }

    fn post<'a>(
        &self,
        object: Option<&'a ObjectName>,
        purpose: Purpose,
        method: &'a str,
        params: &[Value],
        authorization: Option<HeaderValue>,
    ) -> Call<'a> {
        let body = json!({ "id": 1, "method": method, "params": params }).to_string().into_bytes();
        let url = self.endpoint.clone();
        Call {
            object,
            purpose,
            method: Method::POST,
            url,
            headers: Vec::new(),
            body: Some(body),
            authorization,
            detail: Some(method),
        }
    }

    /// What the application answered: a result, or an error of its own.
    fn understood<T>(
        &self,
        call: &Call<'_>,
        reply: Reply,
        parse: impl FnOnce(&[u8]) -> Parsed<T>,
    ) -> Result<Result<T, Fault>, RemoteError> {
        let reply = self.http.answered(call, reply)?;
        if !reply.is_success() {
            return Err(self.http.unexpected(call, &reply));
        }
        parse(&reply.body).map_err(|error| self.http.unreadable(call, &reply, &error))
    }

    fn failed(&self, call: &Call<'_>, object: &Object, fault: &Fault) -> RemoteError {
        let message = format!("{} failed: {}", self.http.name(call), self.told(object, fault));
        RemoteError { scope: Scope::Object, message, help: None }
    }

    /// An error of the application in words.
    fn told(&self, object: &Object, fault: &Fault) -> String {
        match fault.unknown_name() {
            Some(name) if name == object.resource.path => format!("the server has no model `{name}`"),
            Some(name) => format!("`{}` has no field `{name}`", object.resource.path),
            None => self.http.clean(&fault.message),
        }
    }

    /// The session in force; a new one where there is none, or none but the one that has ended.
    async fn session(&self, ended: Option<&Arc<Session>>) -> Result<Arc<Session>, RemoteError> {
        let mut present = self.session.lock().await;
        match &*present {
            Some(session) if ended.is_none_or(|ended| !Arc::ptr_eq(ended, session)) => Ok(session.clone()),
            _ => Ok(present.insert(Arc::new(self.log_in().await?)).clone()),
        }
    }

    async fn log_in(&self) -> Result<Session, RemoteError> {
        let authorization = match &self.http.settings().auth {
            Some(Credentials::Basic { username, password }) => {
                let params = [json!(username), json!({ "password": password })];
                let login = self.post(None, Purpose::Query, "common.db.login", &params, None);
                let (user, key, _): (i64, String, Value) = self.ask(&login).await?;
                let session = BASE64_STANDARD.encode(format!("{username}:{user}:{key}"));
                let authorization = sensitive(&format!("Session {session}"));
                [key, session].into_iter().for_each(|secret| self.http.keep_secret(secret));
                authorization
            }
            _ => self.http.authorization(),
        };
        let authorization = authorization.ok_or_else(|| RemoteError {
            scope: Scope::Run,
            message: "failed to log in: Tryton wants a user and a password".into(),
            help: Some("set `auth` in the metadata".into()),
        })?;
        let params = [json!(true), json!({})];
        let method = "model.res.user.get_preferences";
        let ask = self.post(None, Purpose::Query, method, &params, Some(authorization.clone()));
        let mut preferences: Map<String, Value> = self.ask(&ask).await?;
        preferences.retain(|name, value| {
            matches!(name.as_str(), "company" | "employee" | "language") && !value.is_null()
        });
        Ok(Session { authorization, context: preferences })
    }

    /// A call for the session itself; whatever goes wrong there concerns the run.
    async fn ask<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, RemoteError> {
        let run = |error: RemoteError| RemoteError { scope: Scope::Run, ..error };
        let reply = self.http.read(call).await?;
        let help =
            || Some("`url` ends with the name of the database, such as `http://crm.example/sales/`".into());
        if matches!(reply.status, 404 | 405) {
            let message = format!("{} was answered with {}", self.http.name(call), reply.status);
            return Err(RemoteError { scope: Scope::Run, message, help: help() });
        }
        let result = self.understood(call, reply, plain::<T>).map_err(run)?;
        result.map_err(|fault| {
            let message = format!("failed to log in: {}", self.http.clean(&fault.message));
            // Without a database there are no methods either.
            let help = fault.unknown_name().and_then(|_| help());
            RemoteError { scope: Scope::Run, message, help }
        })
    }
}

impl Invocation<'_> {
    fn name(&self) -> String {
        format!("model.{}.{}", self.object.resource.path, self.method)
    }
}
