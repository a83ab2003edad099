//! The report as a Lambda function, on a schedule.

mod wiring;

use report::{Metrics, Window};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    // Whatever the schedule sends, there is one thing to do.
    aws::lambda::run(wiring::build(), |reporting, _: serde_json::Value, invocation| async move {
        let window = Window::last_30_days(invocation.now);
        let aggregates = report::handle(&reporting, window, invocation.now).await?;
        Ok(Metrics::of(&aggregates, &reporting.settings.policy().await?.teams))
    })
    .await
}
