//! A hostile server, answering in every bad way it can think of.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::ask::{Asker, Question};
use super::super::promql;
use super::*;
use crate::model::{ObjectId, SourceLimits};

pub(crate) fn spec(url: &str) -> SourceSpec {
    SourceSpec {
        url: url.to_owned(),
        server_name: None,
        headers: vec![("X-Scope-OrgID".to_owned(), "shop".to_owned())],
        parameters: vec![("dedup".to_owned(), "true".to_owned())],
        timeout: SignedDuration::from_millis(300),
        limits: SourceLimits { concurrency: 2, max_series: 10, max_bytes: 4096 },
    }
}

fn at() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// Serves every connection with what `answer` makes of the request, and keeps the requests.
pub(crate) async fn server(
    answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    linger: bool,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(vec![]));
    let (answer, kept) = (Arc::new(answer), seen.clone());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, kept) = (answer.clone(), kept.clone());
            tokio::spawn(async move {
                let mut request = vec![0; 8192];
                let mut length = 0;
                while let Ok(read) = stream.read(&mut request[length..]).await {
                    length += read;
                    let text = String::from_utf8_lossy(&request[..length]).into_owned();
                    let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                        let wanted = head
                            .to_lowercase()
                            .split("content-length: ")
                            .nth(1)
                            .and_then(|rest| rest.split("\r\n").next()?.parse().ok());
                        body.len() >= wanted.unwrap_or(0)
                    });
                    if read == 0 || whole {
                        break;
                    }
                }
                let text = String::from_utf8_lossy(&request[..length]).into_owned();
                kept.lock().unwrap().push(text.clone());
                let _ = stream.write_all(&answer(&text)).await;
                if linger {
                    tokio::time::sleep(Duration::from_secs(5)).await;
                }
            });
        }
    });
    (url, seen)
}

pub(crate) fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}", body.len())
        .into_bytes()
}

const GOOD: &str = r#"{"status":"success","data":{"resultType":"vector","result":[
    {"metric":{"bizops_part":"value"},"value":[1800000000,"7"]},{"metric":{"bizops_part":"newest"},"value":[1800000000,"1799999999"]}]}}"#;

async fn ask(url: &str, credentials: &Credentials) -> Sample {
    install_tls();
    let source = PrometheusSource::new(&spec(url), credentials).unwrap();
    let query = promql::check("sum(x)").unwrap();
    source.ask(&query, at(), Duration::from_secs(2), SignedDuration::from_mins(2)).await
}

pub(crate) fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[tokio::test]
async fn every_bad_answer_has_its_own_outcome_and_message() {
    let big = format!("{{\"status\":\"{}\"}}", "x".repeat(10_000));
    let cut = http("200 OK", "", GOOD)[..120].to_vec();
    for (name, answer, linger, words) in [
        (
            "a login page",
            http("200 OK", "content-type: text/html\r\n", "<html>log in</html>"),
            false,
            "the answer is not the Prometheus API (not JSON)",
        ),
        ("half a JSON", http("200 OK", "", &GOOD[..60]), false, "the answer broke off after 60 bytes"),
        ("a connection that breaks off", cut, false, "the answer broke off after"),
        (
            "overloaded",
            http("429 Too Many Requests", "retry-after: 7\r\n", "slow down"),
            false,
            "HTTP status 429, asks to retry after 7s",
        ),
        ("starting", http("503 Service Unavailable", "", "starting"), false, "HTTP status 503"),
        (
            "elsewhere",
            http("302 Found", "location: https://me:secret@other.example/login?next=/api\r\n", ""),
            false,
            "redirects to https://other.example/login; write",
        ),
        (
            "no entry",
            http("401 Unauthorized", "", ""),
            false,
            "HTTP status 401: the credentials were refused",
        ),
        (
            "a query it rejects",
            http("400 Bad Request", "", r#"{"status":"error","errorType":"bad_data","error":"bad query"}"#),
            false,
            "the query was rejected: bad query",
        ),
        ("too much", http("200 OK", "", &big), false, "the answer is larger than 4096 bytes"),
        ("nothing, for ever", vec![], true, "no answer within 0.3s"),
        ("half a body, for ever", http("200 OK", "", GOOD)[..100].to_vec(), true, "no answer within 0.3s"),
    ] {
        let (url, _) = server(move |_| answer.clone(), linger).await;
        let Sample::Failed(fault) = ask(&url, &Credentials::default()).await else {
            panic!("{name}: no fault")
        };
        let said = fault.to_string();
        assert!(said.starts_with(words), "{name}: {said}");
        assert!(!said.contains("secret") && !said.contains("sum(x)"), "{name} tells too much: {said}");
    }
}

#[tokio::test]
async fn refused_and_unknown_hosts_are_unreachable_and_the_url_is_not_told() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let Sample::Failed(SourceFault::Unreachable { detail }) =
        ask(&format!("http://{closed}"), &Credentials::default()).await
    else {
        panic!("no fault")
    };
    assert!(detail.contains("refused") && !detail.contains("127.0.0.1"), "{detail}");
}

#[tokio::test]
async fn credentials_headers_and_parameters_are_sent_and_the_time_is_whole_seconds() {
    let (url, seen) = server(|_| http("200 OK", "", GOOD), false).await;
    let credentials =
        Credentials { basic: Some(("ada".to_owned(), "pass".to_owned())), ..Credentials::default() };
    let sample = ask(&url, &credentials).await;
    assert_eq!(sample, Sample::Present { value: 7.0, at: Timestamp::from_second(1_799_999_999).unwrap() });
    let request = seen.lock().unwrap()[0].clone();
    assert!(request.starts_with("POST /api/v1/query "), "{request}");
    for part in ["authorization: Basic YWRhOnBhc3M=", "x-scope-orgid: shop", "time=1800000000", "dedup=true"]
    {
        assert!(request.contains(part), "{part} is missing in {request}");
    }
    assert!(!format!("{credentials:?}").contains("pass"));
}

#[tokio::test]
async fn a_probe_tells_version_and_latency() {
    install_tls();
    let build = r#"{"status":"success","data":{"version":"3.16.0"}}"#;
    let (url, _) = server(move |_| http("200 OK", "", build), false).await;
    let probe = PrometheusSource::new(&spec(&url), &Credentials::default()).unwrap().probe().await.unwrap();
    assert_eq!(probe.version.as_deref(), Some("3.16.0"));
    let (url, _) = server(
        |request| {
            if request.starts_with("GET") { http("404 Not Found", "", "") } else { http("200 OK", "", GOOD) }
        },
        false,
    )
    .await;
    let probe = PrometheusSource::new(&spec(&url), &Credentials::default()).unwrap().probe().await.unwrap();
    assert_eq!(probe.version, None, "a store that does not say who it is");
}

#[tokio::test]
async fn equal_questions_of_a_pass_are_asked_once_and_a_hanging_source_delays_nobody() {
    install_tls();
    let (address, seen) = server(|_| http("200 OK", "", GOOD), false).await;
    let (silent, _) = server(|_| vec![], true).await;
    let (asker, now) = (Arc::new(Asker::default()), at());
    let key = |name: &str| ObjectId { namespace: String::new(), name: name.to_owned() };
    asker.configure(&key("good"), &spec(&address), &Credentials::default(), now);
    asker.configure(&key("hanging"), &spec(&silent), &Credentials::default(), now);
    let question = |second: i64| Question {
        query: Arc::new(promql::check("sum(x)").unwrap()),
        at: Timestamp::from_second(1_800_000_000 + second).unwrap(),
        deadline: Duration::from_millis(400),
        stale_after: SignedDuration::from_mins(2),
    };
    let (good, hanging) = (key("good"), key("hanging"));
    let stuck = futures::future::join_all((0..10).map(|_| asker.ask(&hanging, question(0))));
    let asked = futures::future::join_all((0..50).map(|_| asker.ask(&good, question(0))));
    let futures::future::Either::Right((answers, stuck)) = futures::future::select(stuck, asked).await else {
        panic!("the hanging source answered first");
    };
    assert!(answers.iter().all(|sample| sample.present() == Some(7.0)));
    let stuck = stuck.await;
    assert!(stuck.iter().all(|sample| matches!(sample, Sample::Failed(SourceFault::TimedOut { .. }))));
    assert_eq!(seen.lock().unwrap().len(), 1, "fifty askers, one query");
    asker.ask(&good, question(5)).await;
    assert_eq!(seen.lock().unwrap().len(), 2, "a later time is another question");
    assert_eq!(asker.stats().shared, 49 + 9);
}
