//! The follow-up of alerts as a Lambda function.

mod wiring;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    aws::lambda::run::<wiring::Function>().await
}
