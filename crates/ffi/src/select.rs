//! A selection that is waited for.

use std::mem::MaybeUninit;

use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;

use crate::balance::tb_balance;
use crate::error::{give, guard, tb_error, tb_status};
use crate::selection::tb_selection;

/// Finds the best TURN server, and waits for it: for as long as the timeout says, and no longer. Any thread may
/// call it, and many at once. Who cancels the thread meanwhile (pthread_cancel) aborts the process: tb_cancel ends a
/// selection before its time, of those that tb_select_start begins.
///
/// Gives TB_OK and in `selection` what was found, to be freed with tb_selection_free; or what went wrong, and in
/// `error`, where that is not NULL, a word for people, to be freed with tb_error_free. The other of the two is
/// set to NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tb_select(
    balance: Option<&tb_balance>,
    selection: Option<&mut MaybeUninit<*mut tb_selection>>,
    error: Option<&mut MaybeUninit<*mut tb_error>>,
) -> tb_status {
    let found = guard(|| {
        let (Some(balance), true) = (balance, selection.is_some()) else {
            let why = "the tb_balance, or where the selection is to go, is NULL";
            return Err(tb_error::new(tb_status::TB_INVALID_ARGUMENT, why));
        };
        runtime()?.block_on(select(balance.clone()))
    });
    give(found, selection, error)
}

/// Selects, until `cancelled` ends; `None`: that was first.
pub(crate) fn select_until(
    balance: tb_balance,
    cancelled: oneshot::Receiver<()>,
) -> Option<Result<tb_selection, tb_error>> {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return Some(Err(error)),
    };
    runtime.block_on(async {
        tokio::select! {
            biased;
            _ = cancelled => None,
            found = select(balance) => Some(found),
        }
    })
}

async fn select(balance: tb_balance) -> Result<tb_selection, tb_error> {
    Ok(tb_selection::new(balance.client().await?.select().await?))
}

/// One for the thread that waits, which is gone when that has what it waits for.
fn runtime() -> Result<Runtime, tb_error> {
    runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        tb_error::new(
            tb_status::TB_SYSTEM,
            &format!("the system gives nothing to wait with: {error}"),
        )
    })
}
