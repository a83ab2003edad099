//! `helpdesk`: the in-memory helpdesk, over HTTP. Its protocol is in `memory::remote`.

use std::sync::Arc;

use crate::input;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use domain::{
    Account, AccountId, Ticket, TicketId, TicketUpdate,
    ports::{Helpdesk, PortError, Updated, told},
};
use memory::MemoryHelpdesk;
use serde_json::{Value, json};
use zendesk::FieldIds;

use crate::{
    cli::HelpdeskArguments,
    exit::Ended,
    http::{self, Patience},
    interrupt::Interrupt,
    say,
};

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// A port that is taken, or an input that cannot be used.
pub async fn command(arguments: &HelpdeskArguments) -> anyhow::Result<Ended> {
    let interrupt = Interrupt::listen()?;
    let input = input::read(arguments.input.as_deref(), |problem| eprintln!("skipped: {problem}"))?;
    let helpdesk = Arc::new(MemoryHelpdesk::new(FieldIds::default()));
    input::fill(&helpdesk, &input.rows);
    let listener = http::bind(arguments.port).await?;
    say::line(format_args!("Helpdesk   http://{}  {} tickets", listener.local_addr()?, input.rows.len()));
    http::serve(listener, router(helpdesk), interrupt, Patience::default()).await?;
    Ok(Ended::Well)
}

/// The helpdesk's routes.
pub fn router(helpdesk: Arc<MemoryHelpdesk>) -> Router {
    Router::new()
        .route("/tickets/{id}", get(ticket).put(update))
        .route("/tickets/{id}/calls", get(calls))
        .route("/accounts/{id}", get(account))
        .with_state(helpdesk)
}

type Answer<T> = Result<Json<T>, StatusCode>;

fn failed(error: PortError) -> StatusCode {
    tracing::error!(error = told(&error), "The in-memory helpdesk failed.");
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn ticket(State(helpdesk): State<Arc<MemoryHelpdesk>>, Path(id): Path<TicketId>) -> Answer<Ticket> {
    helpdesk.ticket(id).await.map_err(failed)?.map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn account(State(helpdesk): State<Arc<MemoryHelpdesk>>, Path(id): Path<AccountId>) -> Answer<Account> {
    helpdesk.account(&id).await.map_err(failed).map(Json)
}

async fn update(State(helpdesk): State<Arc<MemoryHelpdesk>>, Json(update): Json<TicketUpdate>) -> Answer<&'static str> {
    let updated = helpdesk.update(&update).await.map_err(failed)?;
    Ok(Json(match updated {
        Updated::Applied(_) => "applied",
        Updated::Conflict => "conflict",
        Updated::Gone | Updated::NotFound => "gone",
    }))
}

async fn calls(State(helpdesk): State<Arc<MemoryHelpdesk>>, Path(id): Path<TicketId>) -> Json<Value> {
    Json(json!({ "calls": helpdesk.calls(id), "markers": helpdesk.markers(id) }))
}

#[cfg(test)]
mod tests {
    use domain::{ports::contract::helpdesk as contract, sample};
    use memory::RemoteHelpdesk;

    use super::*;

    /// A helpdesk with tickets 1001 and up, behind HTTP.
    async fn helpdesk() -> RemoteHelpdesk {
        let helpdesk = Arc::new(MemoryHelpdesk::new(FieldIds::default()));
        input::fill(&helpdesk, &input::read(None, |_| {}).unwrap().rows);
        let listener = http::bind(0).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router(helpdesk)).await });
        RemoteHelpdesk::new(&format!("http://{address}")).unwrap()
    }

    #[tokio::test]
    async fn it_keeps_the_contract_over_http() {
        let (known, unknown) = (sample::ticket_id(1001), sample::ticket_id(8));
        contract::a_write_is_safe(&helpdesk().await, known, unknown).await;
        contract::a_cleared_field_is_empty(&helpdesk().await, known).await;
        contract::our_note_is_no_new_version(&helpdesk().await, known).await;
    }

    #[tokio::test]
    async fn an_account_may_have_any_name() {
        let name = "Åßc / Ltd? #1";
        assert_eq!(&*helpdesk().await.account(&sample::account_id(name)).await.unwrap().name, name);
    }

    #[test]
    fn an_address_is_checked() {
        for bad in ["", "localhost", "mailto:a@b"] {
            assert!(RemoteHelpdesk::new(bad).is_err(), "{bad}");
        }
    }
}
