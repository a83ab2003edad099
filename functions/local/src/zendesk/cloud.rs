//! AWS as the operator's own command line reaches it. The SDK takes twenty times as long to compile as everything else
//! here, and whoever deploys has the command line anyway.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// More of an error's text than anybody reads.
const LONGEST_ERROR: usize = 300;

/// One AWS account and region.
pub trait Cloud: Send + Sync {
    /// One call of an API, by the names of the AWS CLI. The input goes through a private file: it may hold secrets, and a
    /// command line is there for everybody on the machine to see.
    ///
    /// # Errors
    /// [`CloudError`], with the code of the service.
    fn call(&self, service: &str, operation: &str, input: &Value) -> Result<Value, CloudError>;

    /// An object as text; none if it is not there.
    ///
    /// # Errors
    /// As [`Cloud::call`].
    fn object(&self, bucket: &str, key: &str) -> Result<Option<String>, CloudError>;

    /// # Errors
    /// As [`Cloud::call`].
    fn put_object(&self, bucket: &str, key: &str, text: &str) -> Result<(), CloudError>;
}

/// What AWS, or its command line, says.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("aws {what}: {text}")]
pub struct CloudError {
    /// Such as `ParameterNotFound`.
    pub code: Option<String>,
    what: String,
    text: String,
}

impl CloudError {
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// For tests and stand-ins.
    #[must_use]
    pub fn coded(what: &str, code: &str) -> Self {
        Self { code: Some(code.to_owned()), what: what.to_owned(), text: code.to_owned() }
    }
}

/// The command `aws`, with the operator's profile and region.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsCli;

impl Cloud for AwsCli {
    fn call(&self, service: &str, operation: &str, input: &Value) -> Result<Value, CloudError> {
        let what = format!("{service} {operation}");
        let unwritten = |error: std::io::Error| CloudError { code: None, what: what.clone(), text: error.to_string() };
        // Readable by this user alone, and gone with this call. The command line reads its input more than once, so that
        // a pipe will not do.
        let mut file = tempfile::NamedTempFile::new().map_err(unwritten)?;
        file.write_all(input.to_string().as_bytes()).map_err(unwritten)?;
        let address = format!("file://{}", file.path().display());
        let output = run(&what, &[service, operation, "--output", "json", "--cli-input-json", &address], &[])?;
        // Some calls answer with nothing.
        Ok(serde_json::from_slice(&output.stdout).unwrap_or_default())
    }

    fn object(&self, bucket: &str, key: &str) -> Result<Option<String>, CloudError> {
        let place = format!("s3://{bucket}/{key}");
        match run(&format!("s3 cp {place}"), &["s3", "cp", &place, "-"], &[]) {
            Ok(output) => Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned())),
            Err(error) if error.is("404") || error.is("NoSuchKey") => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn put_object(&self, bucket: &str, key: &str, text: &str) -> Result<(), CloudError> {
        let place = format!("s3://{bucket}/{key}");
        let arguments = ["s3", "cp", "-", &place, "--content-type", "text/plain; charset=utf-8"];
        run(&format!("s3 cp - {place}"), &arguments, text.as_bytes()).map(drop)
    }
}

/// Where no stack is named.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCloud;

impl Cloud for NoCloud {
    fn call(&self, service: &str, operation: &str, _: &Value) -> Result<Value, CloudError> {
        Err(CloudError::coded(&format!("{service} {operation}"), "NoStack"))
    }

    fn object(&self, bucket: &str, _: &str) -> Result<Option<String>, CloudError> {
        Err(CloudError::coded(bucket, "NoStack"))
    }

    fn put_object(&self, bucket: &str, _: &str, _: &str) -> Result<(), CloudError> {
        Err(CloudError::coded(bucket, "NoStack"))
    }
}

fn run(what: &str, arguments: &[&str], input: &[u8]) -> Result<Output, CloudError> {
    let failed = |text: String| CloudError { code: None, what: what.to_owned(), text };
    let mut command = Command::new("aws");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            failed("the AWS command line is not installed: https://aws.amazon.com/cli/".to_owned())
        }
        _ => failed(error.to_string()),
    })?;
    if let Some(mut pipe) = child.stdin.take() {
        // A command that ended early says why on its standard error.
        let _ = pipe.write_all(input);
    }
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let text: String = said.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST_ERROR).collect();
    Err(CloudError { code: code(&said), ..failed(text) })
}

/// `An error occurred (ParameterNotFound) when calling …`
fn code(said: &str) -> Option<String> {
    let (_, rest) = said.split_once("An error occurred (").or_else(|| said.split_once("an error occurred ("))?;
    rest.split_once(')').map(|(code, _)| code.to_owned())
}

/// AWS in memory, as far as these commands use it.
#[cfg(test)]
pub(super) mod fake {
    use std::{
        collections::BTreeMap,
        sync::{Arc, Mutex},
    };

    use serde_json::json;

    use super::*;

    #[derive(Clone, Default)]
    pub(in super::super) struct FakeCloud(Arc<Mutex<State>>);

    #[derive(Default)]
    struct State {
        parameters: BTreeMap<String, String>,
        objects: BTreeMap<String, String>,
        writes: usize,
        answers: BTreeMap<String, Value>,
    }

    impl FakeCloud {
        /// A stack with these template parameters, deployed and verified.
        pub(in super::super) fn stack(parameters: &[(&str, &str)]) -> Self {
            let pairs = |key: &str, value: &str, pairs: &[(&str, &str)]| {
                pairs.iter().map(|(name, of)| json!({ key: name, value: of })).collect::<Vec<_>>()
            };
            let outputs = [
                ("ConfigBucketName", "bucket"),
                ("WebhookUrl", "https://x.example.com/webhooks/zendesk"),
                ("TicketsTableName", "tickets"),
                ("ControlTableName", "control"),
                ("TicketsDeadLettersUrl", "https://sqs/tickets-dead"),
                ("AlertsDeadLettersUrl", "https://sqs/alerts-dead"),
            ];
            let stack = json!({ "Stacks": [{
                "Outputs": pairs("OutputKey", "OutputValue", &outputs),
                "Parameters": pairs("ParameterKey", "ParameterValue", parameters),
            }]});
            let cloud = Self::default();
            cloud.answer("cloudformation describe-stacks", stack);
            cloud.answer("sesv2 get-account", json!({ "SendingEnabled": true, "ProductionAccessEnabled": true }));
            cloud.answer("sesv2 get-email-identity", json!({ "VerifiedForSendingStatus": true }));
            cloud.answer("dynamodb describe-table", json!({ "Table": { "TableStatus": "ACTIVE" } }));
            let none = json!({ "Attributes": { "ApproximateNumberOfMessages": "0" } });
            cloud.answer("sqs get-queue-attributes", none);
            cloud
        }

        pub(in super::super) fn answer(&self, call: &str, answer: Value) {
            self.0.lock().unwrap().answers.insert(call.to_owned(), answer);
        }

        pub(in super::super) fn parameter(&self, name: &str) -> Option<String> {
            self.0.lock().unwrap().parameters.get(name).cloned()
        }

        pub(in super::super) fn set_parameter(&self, name: &str, value: &str) {
            self.0.lock().unwrap().parameters.insert(name.to_owned(), value.to_owned());
        }

        pub(in super::super) fn writes(&self) -> usize {
            self.0.lock().unwrap().writes
        }
    }

    impl Cloud for FakeCloud {
        fn call(&self, service: &str, operation: &str, input: &Value) -> Result<Value, CloudError> {
            let mut state = self.0.lock().unwrap();
            let call = format!("{service} {operation}");
            let name = input["Name"].as_str().unwrap_or_default();
            match call.as_str() {
                "ssm get-parameter" => match state.parameters.get(name) {
                    Some(value) => Ok(json!({ "Parameter": { "Value": value } })),
                    None => Err(CloudError::coded(&call, "ParameterNotFound")),
                },
                "ssm put-parameter" => {
                    assert_eq!(input["Type"], "SecureString");
                    let value = input["Value"].as_str().unwrap().to_owned();
                    state.parameters.insert(name.to_owned(), value);
                    state.writes += 1;
                    Ok(Value::Null)
                }
                _ => state.answers.get(&call).cloned().ok_or_else(|| CloudError::coded(&call, "AccessDenied")),
            }
        }

        fn object(&self, bucket: &str, key: &str) -> Result<Option<String>, CloudError> {
            Ok(self.0.lock().unwrap().objects.get(&format!("{bucket}/{key}")).cloned())
        }

        fn put_object(&self, bucket: &str, key: &str, text: &str) -> Result<(), CloudError> {
            let mut state = self.0.lock().unwrap();
            state.objects.insert(format!("{bucket}/{key}"), text.to_owned());
            state.writes += 1;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_an_error_is_found() {
        let said = "\nAn error occurred (ParameterNotFound) when calling the GetParameter operation: \n";
        assert_eq!(code(said).as_deref(), Some("ParameterNotFound"));
        let said =
            "download failed: s3://x/y to - An error occurred (404) when calling the HeadObject operation: Not Found";
        assert_eq!(code(said).as_deref(), Some("404"));
        assert_eq!(code("Unable to locate credentials"), None);
    }
}
