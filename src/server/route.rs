//! What a request is for, and the calls of the service that it is for: the two services behind one face.

use http::header::{CONTENT_RANGE, ORIGIN};

use crate::clock::Timestamp;
use crate::content::Content;
use crate::cos::{self, PostedForm};
use crate::digest::{Grown, Wanted};
use crate::message::{Account, BodyError, BodyPlan, Context, Head, Outcome, Received, Reply};
use crate::operation::{Names, Operation, Service};
use crate::scenario::{ErrorAnswer, Span};
use crate::signature::{self, ParameterForm, Verdict};
use crate::store::{Change, ChunkRange, Store};
use crate::world::World;
use crate::{cas, code};

/// The error for who may not do what is asked for.
pub(super) enum Denial {
    Cos(Box<cos::Error>),
    Cas(cas::Error),
}

impl Denial {
    /// The answer with it.
    pub(super) fn reply(&self, head: &Head, context: &Context<'_>) -> Reply {
        match self {
            Denial::Cos(error) => cos::refuse((**error).clone(), head, context),
            Denial::Cas(error) => cas::refuse(error.clone(), context),
        }
    }
}

/// What a request needs computed before it can be answered.
pub(super) enum Derivation {
    /// Nothing.
    None,
    /// The digests of other bytes, which take the place of its body.
    Bytes(Content, Wanted),
    /// The digests of other bytes, beside its body.
    Source(Content, Wanted),
    /// The MD5 of an object with the body appended to it, of which that of the object is there.
    Grown(Grown),
    /// The file of a form, and its digests.
    Form(Box<PostedForm>),
}

/// The service that a request is for: by its host, or else by its path.
pub(super) fn service_of(head: &Head) -> Service {
    match cos::host_form(head.host()) {
        cos::HostForm::Cas { .. } => Service::Cas,
        cos::HostForm::Other if cas::is_vault_path(&head.path) => Service::Cas,
        _ => Service::Cos,
    }
}

/// What a request is for, or why that cannot be told.
pub(super) enum Route {
    Cos(Result<cos::Target, cos::Error>),
    Cas(Result<cas::Target, cas::Error>),
}

impl Route {
    pub(super) fn find(head: &Head, account: &Account) -> Self {
        match service_of(head) {
            Service::Cos => Route::Cos(cos::route(head, account)),
            Service::Cas => {
                let region = match cos::host_form(head.host()) {
                    cos::HostForm::Cas { region } => Some(region),
                    _ => None,
                };
                Route::Cas(cas::route(head, region))
            }
        }
    }

    pub(super) fn service(&self) -> Service {
        match self {
            Route::Cos(_) => Service::Cos,
            Route::Cas(_) => Service::Cas,
        }
    }

    pub(super) fn operation(&self) -> Option<Operation> {
        match self {
            Route::Cos(target) => target.as_ref().ok().map(|target| target.operation),
            Route::Cas(target) => target.as_ref().ok().map(|target| target.operation),
        }
    }

    pub(super) fn verify(&self, head: &Head, world: &World) -> Verdict {
        let (path, form) = match self {
            Route::Cos(Ok(_)) => match head.decoded_path() {
                Ok(path) => (path, ParameterForm::KeepCase),
                Err(_) => return Verdict::NotChecked,
            },
            Route::Cas(Ok(_)) => (head.path.clone(), ParameterForm::LowerCase),
            // What is no operation is refused anyway.
            Route::Cos(Err(_)) | Route::Cas(Err(_)) => return Verdict::NotChecked,
        };
        match signature::check(head, &path, &world.credentials, world.auth, form, world.now()) {
            // What nobody may do on COS depends on the lists of the bucket.
            Verdict::Refused(signature::Refusal::Missing) if self.service() == Service::Cos => Verdict::None,
            verdict => verdict,
        }
    }

    /// # Errors
    /// The error for who may not do that.
    pub(super) fn authorise(&self, head: &Head, store: &Store, context: &Context<'_>) -> Result<(), Denial> {
        match self {
            Route::Cos(Ok(target)) => {
                cos::authorise(target, head, store, context).map_err(|error| Denial::Cos(Box::new(error)))
            }
            Route::Cas(Ok(target)) => cas::authorise(target, head, store, context).map_err(Denial::Cas),
            Route::Cos(Err(_)) | Route::Cas(Err(_)) => Ok(()),
        }
    }

    /// # Errors
    /// The answer that is final.
    pub(super) fn derivation(
        &self,
        head: &Head,
        body: &Received,
        store: &Store,
        context: &Context<'_>,
    ) -> Result<Derivation, Reply> {
        match self {
            Route::Cos(Ok(target)) => Ok(match cos::derivation(target, head, body, store, context)? {
                cos::Derivation::None => Derivation::None,
                cos::Derivation::Bytes(content, wanted) => Derivation::Bytes(content, wanted),
                cos::Derivation::Grown(grown) => Derivation::Grown(grown),
                cos::Derivation::Form(posted) => Derivation::Form(posted),
            }),
            Route::Cas(Ok(target)) => Ok(cas::source(target, head, body, store, context)
                .map_or(Derivation::None, |(content, wanted)| Derivation::Source(content, wanted))),
            Route::Cos(Err(_)) | Route::Cas(Err(_)) => Ok(Derivation::None),
        }
    }

    /// Adds to an answer what lets a page of another site read it.
    pub(super) fn allow_origin(&self, reply: &mut Reply, head: &Head, world: &World) {
        if let Route::Cos(Ok(target)) = self
            && head.headers.contains_key(ORIGIN)
        {
            cos::allow_origin(reply, target, head, &world.state().store);
        }
    }

    /// What the request names; [`Route::part`] has the part of an archive.
    pub(super) fn names(&self, head: &Head) -> Names {
        match self {
            Route::Cos(Ok(target)) => target.names(head),
            Route::Cas(Ok(target)) => target.names(),
            Route::Cos(Err(_)) | Route::Cas(Err(_)) => Names::default(),
        }
    }

    /// The part number, which for CAS depends on the part size of the upload.
    pub(super) fn part(&self, names: &Names, head: &Head, store: &Store, now: Timestamp) -> Option<u64> {
        match self {
            Route::Cas(Ok(target)) => cas::part_number(target, head, store, now),
            _ => names.part,
        }
    }

    /// What the request asks for that is left out.
    pub(super) fn notes(&self, head: &Head) -> Vec<String> {
        match self {
            Route::Cos(Ok(target)) => cos::notes(target, head),
            Route::Cos(Err(_)) | Route::Cas(_) => Vec::new(),
        }
    }

    /// The bytes that the request reads or sends.
    pub(super) fn span(&self, head: &Head, store: &Store, now: Timestamp) -> Span {
        match self {
            Route::Cos(Ok(target))
                if matches!(target.operation, Operation::GetObject | Operation::HeadObject) =>
            {
                let (range, total) = cos::requested_range(target, head, store).unzip();
                return Span { range, total };
            }
            Route::Cas(Ok(target)) if target.operation == Operation::GetJobOutput => {
                let (range, total) = cas::requested_range(target, head, store, now).unzip();
                return Span { range, total };
            }
            Route::Cas(Ok(target)) if target.operation == Operation::UploadVaultPart => {
                if let Some(Ok(range)) = head.header(CONTENT_RANGE).map(ChunkRange::lenient) {
                    return Span { range: Some(range.start()..range.end()), total: None };
                }
            }
            _ => {}
        }
        let total = head.content_length();
        Span { range: total.map(|total| 0..total), total }
    }

    /// # Errors
    /// The answer that is final before any byte of the body is read.
    pub(super) fn admit(&self, head: &Head, store: &Store, context: &Context<'_>) -> Result<BodyPlan, Reply> {
        match self {
            Route::Cos(Ok(target)) => cos::admit(target, head, store, context),
            Route::Cas(Ok(target)) => cas::admit(target, head, store, context),
            Route::Cos(Err(error)) => Err(cos::refuse(error.clone(), head, context)),
            Route::Cas(Err(error)) => Err(cas::refuse(error.clone(), context)),
        }
    }

    pub(super) fn handle(
        &self,
        head: &Head,
        body: &Received,
        store: &Store,
        context: &Context<'_>,
    ) -> Outcome<Change> {
        match self {
            Route::Cos(Ok(target)) => cos::handle(target, head, body, store, context),
            Route::Cas(Ok(target)) => cas::handle(target, head, body, store, context),
            Route::Cos(Err(error)) => {
                Outcome { reply: cos::refuse(error.clone(), head, context), changes: Vec::new() }
            }
            Route::Cas(Err(error)) => {
                Outcome { reply: cas::refuse(error.clone(), context), changes: Vec::new() }
            }
        }
    }

    pub(super) fn refuse_body(&self, error: BodyError, head: &Head, context: &Context<'_>) -> Reply {
        match self {
            Route::Cos(Ok(target)) => cos::refuse_body(error, target, head, context),
            Route::Cos(Err(_)) => cos::refuse(error.into(), head, context),
            Route::Cas(Ok(target)) => cas::refuse_body(error, target, context),
            Route::Cas(Err(_)) => cas::refuse(error.into(), context),
        }
    }

    pub(super) fn refuse_signature(
        &self,
        refusal: &signature::Refusal,
        head: &Head,
        context: &Context<'_>,
    ) -> Reply {
        match self {
            Route::Cos(_) => cos::refuse_signature(refusal, head, context),
            Route::Cas(_) => cas::refuse_signature(refusal, context),
        }
    }

    /// The error that a scenario asks for, in the format of the service.
    pub(super) fn error(&self, asked: &ErrorAnswer, head: &Head, context: &Context<'_>) -> Reply {
        let usual = code::lookup(self.service(), &asked.code);
        let status = asked.status.or(usual.map(|(status, _)| status)).unwrap_or(500);
        let message = asked.message.as_deref().or(usual.map(|(_, message)| message)).unwrap_or("");
        let mut reply = match self {
            Route::Cos(_) => {
                cos::answer(cos::error_document(&asked.code, status, message, &[], head, context), context)
            }
            Route::Cas(_) => {
                cas::answer(cas::error_document(&asked.code, status, message, asked.kind.as_deref()), context)
            }
        };
        if let Some(retry_after) = asked.retry_after {
            reply.push("Retry-After", retry_after.as_secs().to_string());
        }
        for (name, value) in &asked.headers {
            match value {
                Some(value) => reply.set(name.clone().into(), value.clone()),
                None => {
                    reply.remove(name);
                }
            }
        }
        reply
    }
}
