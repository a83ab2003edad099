//! What a ticket costs in memory, in `run` and in `serve`: the peak of the built program after fewer and after more
//! tickets of 1 kB, and the slope between them. `cargo bench --bench memory [-- FEWER MORE]`; Linux only.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use local::input;
use serde_json::json;
use zendesk::signature::{SIGNATURE_HEADER, TEST_SECRET, TIMESTAMP_HEADER, sign};

/// Of a description.
const BYTES: usize = 1_000;
/// Tickets of one customer.
const EACH: usize = 5;
/// Tickets queued at once in `serve`, about as many as a busy minute brings.
const QUEUED: u64 = 100;
/// The limit this product holds itself to.
const LIMIT_KB: f64 = 8.0;

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let [fewer, more] = numbers.try_into().unwrap_or([2_000, 10_000]);
    println!("command  tickets   VmHWM MB  VmRSS MB  seconds");
    let folder = tempfile::tempdir().unwrap();
    let run = [fewer, more].map(|tickets| run(folder.path(), tickets));
    slope("run", [fewer, more], run);
    let serve = serve(folder.path(), [fewer, more]);
    slope("serve", [fewer, more], serve);
}

fn slope(command: &str, [fewer, more]: [usize; 2], [low, high]: [Memory; 2]) {
    let each = (high.peak_kb - low.peak_kb) / (more - fewer) as f64;
    let verdict = if each <= LIMIT_KB { "within" } else { "OVER" };
    println!("{command}: {each:.1} kB a ticket, {verdict} the limit of {LIMIT_KB} kB");
}

#[derive(Clone, Copy)]
struct Memory {
    peak_kb: f64,
    now_kb: f64,
}

impl Memory {
    /// None once the process has ended.
    fn of(process: &Child) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some(Self { peak_kb: field("VmHWM:")?, now_kb: field("VmRSS:")? })
    }

    fn print(self, command: &str, tickets: usize, since: Instant) {
        let (peak, now) = (self.peak_kb / 1024.0, self.now_kb / 1024.0);
        println!("{command:<7} {tickets:>8} {peak:>10.0} {now:>9.0} {:>8.0}", since.elapsed().as_secs_f64());
    }
}

/// The bundled tickets over and over, each description filled up with the next ones.
fn description(number: usize, rows: &[input::Row]) -> String {
    let mut text = String::new();
    for row in rows.iter().cycle().skip(number % rows.len()) {
        text.push_str(&row.description);
        if text.len() >= BYTES {
            break;
        }
        text.push_str("\n\n");
    }
    text.truncate(text.floor_char_boundary(BYTES));
    text
}

fn local(arguments: &[&str], output: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.args(arguments).arg("--output").arg(output).env_clear().current_dir(output.parent().unwrap());
    command
}

fn run(folder: &Path, tickets: usize) -> Memory {
    let rows = input::bundled().rows;
    let file = folder.join("tickets.csv");
    let mut csv = csv::Writer::from_path(&file).unwrap();
    csv.write_record(["ticket_id", "customer_name", "subject", "description", "mrr"]).unwrap();
    for number in 0..tickets {
        let (id, customer) = ((number + 1).to_string(), format!("Customer {}", number / EACH));
        let subject = format!("{} ({id})", rows.get(number % rows.len()).unwrap().subject);
        csv.write_record([&id, &customer, &subject, &description(number, &rows), "500"]).unwrap();
    }
    csv.flush().unwrap();
    let started = Instant::now();
    let arguments = ["run", "--analyst", "embedded", "--input", file.to_str().unwrap()];
    let mut process = local(&arguments, &folder.join("run")).stdout(Stdio::null()).spawn().unwrap();
    let mut last = None;
    while process.try_wait().unwrap().is_none() {
        last = Memory::of(&process).or(last);
        sleep(Duration::from_millis(20));
    }
    let memory = last.unwrap();
    memory.print("run", tickets, started);
    memory
}

fn serve(folder: &Path, counts: [usize; 2]) -> [Memory; 2] {
    let rows = input::bundled().rows;
    let arguments = ["serve", "--port", "0", "--analyst", "embedded"];
    let mut process = local(&arguments, &folder.join("serve")).stdout(Stdio::piped()).spawn().unwrap();
    let mut printed = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    printed.read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).unwrap().trim().trim_end_matches('/').to_owned();
    let mut client = Client { stream: BufReader::new(TcpStream::connect(&address).unwrap()), address };
    let (started, mut sent) = (Instant::now(), 0);
    let memories = counts.map(|count| {
        while sent < count {
            client.post_ticket(sent, &rows);
            sent += 1;
            if sent % 20 == 0 {
                client.wait_until_queued_at_most(QUEUED);
            }
        }
        client.wait_until_queued_at_most(0);
        client.ask("GET", "/", &[], "");
        let memory = Memory::of(&process).unwrap();
        memory.print("serve", count, started);
        memory
    });
    process.kill().unwrap();
    process.wait().unwrap();
    memories
}

struct Client {
    stream: BufReader<TcpStream>,
    address: String,
}

impl Client {
    fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let (host, length) = (&self.address, body.len());
        let request =
            format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n{headers}content-length: {length}\r\n\r\n{body}");
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut status = String::new();
        self.stream.read_line(&mut status).unwrap();
        assert!(status.starts_with("HTTP/1.1 200"), "{status}");
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    }

    fn post_ticket(&mut self, number: usize, rows: &[input::Row]) {
        // Above the bundled tickets.
        let id = (100_000 + number).to_string();
        let body = json!({
            "type": "zen:event-type:ticket.created",
            "id": format!("event-{id}"),
            "subject": format!("zen:ticket:{id}"),
            "zendesk_event_version": "2022-11-06",
            "detail": {
                "id": id,
                "organization_id": (number / EACH).to_string(),
                "subject": rows.get(number % rows.len()).unwrap().subject,
                "description": description(number, rows),
            },
            "event": {},
        })
        .to_string();
        let at = now().to_string();
        let signature = sign(&TEST_SECRET.into(), &at, body.as_bytes());
        self.ask("POST", "/webhooks/zendesk", &[(SIGNATURE_HEADER, &signature), (TIMESTAMP_HEADER, &at)], &body);
    }

    fn wait_until_queued_at_most(&mut self, most: u64) {
        loop {
            let health: serde_json::Value = serde_json::from_str(&self.ask("GET", "/healthz", &[], "")).unwrap();
            let queued = ["tickets_queued", "alerts_queued"].iter().map(|name| health.get(name)?.as_u64());
            if queued.sum::<Option<u64>>().unwrap() <= most {
                return;
            }
            sleep(Duration::from_millis(50));
        }
    }
}

fn now() -> Timestamp {
    local::stack::wall_clock()
}
