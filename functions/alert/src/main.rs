//! The alert function as AWS Lambda runs it: for its queue, and once an hour for the digest.

mod wiring;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    aws::lambda::run::<wiring::Function>().await
}
