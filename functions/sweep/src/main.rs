//! The sweep as a Lambda function, on a schedule.

mod wiring;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    aws::lambda::run::<wiring::Function>().await
}
