//! Each fault as a client sees it.

use std::io::Write as _;
use std::time::Instant;

use serde_json::Value;

use super::*;
use crate::Dial;
use crate::api::Api;

const GOOD: &str = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}"#;

/// A server that answers everything with [`GOOD`], once per connection.
fn good() -> Server {
    Server::start(TcpListener::bind("127.0.0.1:0").unwrap(), |mut stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        if read(&mut reader).is_ok() {
            let _ = Answer::json(GOOD).write(&mut stream, usize::MAX);
        }
    })
    .unwrap()
}

/// The whole answer as it comes over the wire, or nothing after half a second.
fn raw(proxy: &Proxy) -> String {
    let Ok(mut stream) = TcpStream::connect(proxy.address) else { return "refused".to_owned() };
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    stream.write_all(b"GET /api/v1/query?query=1 HTTP/1.1\r\nHost: p\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn without_a_fault_the_answer_is_the_servers() {
    let good = good();
    let proxy = Proxy::to(&format!("http://{}", good.address())).unwrap();
    let answer = Api::plain(proxy.url()).post("/api/v1/query", &Value::Null).unwrap();
    assert_eq!(answer.to_string(), serde_json::from_str::<Value>(GOOD).unwrap().to_string());
    assert_eq!(proxy.requests(), 1);
}

#[test]
fn every_fault_shows_as_what_it_is_and_ends_when_it_is_lifted() {
    let good = good();
    let proxy = Proxy::to(&format!("http://{}", good.address())).unwrap();
    let header = ("Retry-After".to_owned(), "5".to_owned());
    for (fault, begin, end) in [
        (Fault::Refuse, "refused", "refused"),
        (Fault::Hang, "", ""),
        (
            Fault::Status(429, vec![header]),
            "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\n",
            "refused by the proxy",
        ),
        (Fault::Html, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", "</html>"),
        (Fault::HalfJson(20), "HTTP/1.1 200 OK\r\n", "Content-Length: 68\r\n\r\n{\"status\":\"success\","),
        (
            Fault::Redirect("http://elsewhere/".to_owned()),
            "HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\n",
            "\r\n",
        ),
        (Fault::Empty, "HTTP/1.1 200 OK\r\n", r#""result":[]}}"#),
        (Fault::Raw("{}".to_owned()), "HTTP/1.1 200 OK\r\n", "\r\n\r\n{}"),
        (Fault::Warnings(vec!["half".to_owned()]), "HTTP/1.1 200 OK\r\n", r#""warnings":["half"]}"#),
    ] {
        proxy.set(fault.clone()).unwrap();
        let seen = raw(&proxy);
        assert!(seen.starts_with(begin) && seen.ends_with(end), "{fault:?}: {seen}");
        proxy.set(Fault::None).unwrap();
        assert!(raw(&proxy).ends_with(GOOD), "after {fault:?}");
    }
}

#[test]
fn a_delay_delays_and_a_server_that_is_down_is_a_bad_gateway() {
    let proxy = Proxy::to(&format!("http://{}", good().address())).unwrap();
    proxy.set(Fault::Delay(Duration::from_millis(100))).unwrap();
    let begin = Instant::now();
    assert!(raw(&proxy).starts_with("HTTP/1.1 502 Bad Gateway"));
    assert!(begin.elapsed() >= Duration::from_millis(100));
}

#[test]
fn a_dial_behind_a_proxy_is_read_as_it_is() {
    let dial = Dial::start().unwrap();
    dial.set("demand", &[], 5.0);
    let proxy = Proxy::to(&format!("http://{}", dial.address())).unwrap();
    assert_eq!(Api::plain(proxy.url()).text("/metrics").unwrap(), "demand 5\n");
}
