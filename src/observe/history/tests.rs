//! A store that answers range queries as it is told, and counts them.

use std::sync::Mutex;

use super::*;
use crate::model::{Credentials, ObjectId, SourceLimits};
use crate::observe::ask::Asker;
use crate::observe::prometheus::tests::{http, install_tls, server, spec};
use crate::observe::promql;

const LAST: i64 = 1_800_000_002;

/// The window a request asks for.
pub(crate) fn window(request: &str) -> Window {
    let field = |name: &str| -> i64 {
        let (_, rest) = request.split_once(&format!("{name}=")).unwrap();
        rest.split('&').next().unwrap().parse().unwrap()
    };
    let (first, last, step) = (field("start"), field("end"), field("step"));
    Window { first, step, count: usize::try_from((last - first) / step + 1).unwrap() }
}

/// An answer with `value` at each moment, as a store gives one.
pub(crate) fn answer(window: Window, value: impl Fn(i64) -> Option<i64>) -> Vec<u8> {
    let moments = (0..i64::try_from(window.count).unwrap()).map(|step| window.first + step * window.step);
    let row = |part: &str, points: Vec<String>| {
        format!(r#"{{"metric":{{"bizops_part":"{part}"}},"values":[{}]}}"#, points.join(","))
    };
    let points = |text: &dyn Fn(i64, i64) -> i64| -> Vec<String> {
        let present = moments.clone().filter_map(|at| Some((at, value(at)?)));
        present.map(|(at, value)| format!("[{at},\"{}\"]", text(at, value))).collect()
    };
    let rows = [row("value", points(&|_, value| value)), row("newest", points(&|at, _| at - 1))];
    let body =
        format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#, rows.join(","));
    http("200 OK", "", &body)
}

fn question(hours: i64) -> PastQuestion {
    PastQuestion {
        query: Arc::new(promql::check("sum(x)").unwrap()),
        last: Timestamp::from_second(LAST).unwrap(),
        step: SignedDuration::from_secs(15),
        reach: SignedDuration::from_hours(hours),
        stale_after: SignedDuration::from_mins(2),
        within: Duration::from_secs(20),
    }
}

/// Reads a history from a store that answers so, and gives the windows it was asked for.
async fn read(
    question: &PastQuestion,
    respond: impl Fn(Window) -> Vec<u8> + Send + Sync + 'static,
) -> (History, Vec<Window>) {
    install_tls();
    let (url, seen) = server(move |request| respond(window(request)), false).await;
    let mut spec = spec(&url);
    spec.timeout = SignedDuration::from_secs(2);
    spec.limits = SourceLimits { concurrency: 2, max_series: 10, max_bytes: 1 << 20 };
    let (asker, key) = (Asker::default(), ObjectId { namespace: String::new(), name: "s".to_owned() });
    asker.configure(&key, &spec, &Credentials::default(), question.last);
    let history = asker.history(&key, question).await;
    let requests = seen.lock().unwrap().clone();
    assert!(requests.iter().all(|request| request.starts_with("POST /api/v1/query_range ")));
    assert!(requests.iter().all(|request| request.contains("dedup=true")), "its fixed parameters are sent");
    (history, requests.iter().map(|request| window(request)).collect())
}

#[tokio::test]
async fn two_weeks_are_read_newest_first_in_requests_no_store_refuses_and_each_moment_once() {
    // The value is the moment itself, in steps before the newest.
    let (history, windows) =
        read(&question(14 * 24), |window| answer(window, |at| Some((LAST - at) / 15))).await;
    assert_eq!(history.end, HistoryEnd::Whole);
    assert_eq!((history.values.len(), windows.len()), (14 * 24 * 240, 9));
    assert!(windows.iter().all(|window| window.count <= 10_000));
    assert!(
        windows.windows(2).all(|pair| pair[1].last() == pair[0].first - 15),
        "newest first, no moment twice"
    );
    assert_eq!(windows[0].last(), LAST);
    assert!(history.moments().all(|(at, value)| value == Some(((LAST - at.as_second()) / 15) as f64)));
    assert_eq!(history.moments().last().unwrap().0, question(1).last);
}

#[tokio::test]
async fn where_the_store_has_nothing_more_reading_ends_and_a_gap_of_a_day_is_not_taken_for_the_end() {
    let (day, week) = (86_400, 7 * 86_400);
    let known = move |at: i64| {
        let age = LAST - at;
        (age < 2 * day || (3 * day..week).contains(&age)).then_some(1)
    };
    let (history, windows) = read(&question(60 * 24), move |window| answer(window, known)).await;
    assert_eq!(history.end, HistoryEnd::Bottom);
    assert_eq!(history.first.as_second(), LAST - week + 15 - (LAST - week + 15 - LAST).rem_euclid(15));
    assert_eq!(history.values.len(), 7 * 24 * 240, "from the first number on");
    assert_eq!(history.present(), 6 * 24 * 240, "the day without samples is a gap");
    assert_eq!(windows.len(), 7, "a week is five requests, and two more that are empty");
    let (history, windows) = read(&question(14 * 24), |window| answer(window, |_| None)).await;
    assert_eq!((history.end, history.values.len(), windows.len()), (HistoryEnd::Bottom, 0, 2));
}

#[tokio::test]
async fn a_source_that_cannot_give_so_much_at_once_is_asked_for_less() {
    let refused = http("422 Unprocessable Entity", "", r#"{"status":"error","error":"too many samples"}"#);
    let (history, windows) =
        read(
            &question(48),
            move |window| {
                if window.count > 3_000 { refused.clone() } else { answer(window, |_| Some(1)) }
            },
        )
        .await;
    assert_eq!((&history.end, history.present()), (&HistoryEnd::Whole, 48 * 240));
    assert!(windows.len() < 10, "{windows:?}");
}

#[tokio::test]
async fn what_was_read_before_a_fault_is_kept_and_the_fault_is_told() {
    let busy = http("503 Service Unavailable", "", "");
    let (history, windows) = read(&question(14 * 24), move |window| {
        if window.last() < LAST { busy.clone() } else { answer(window, |_| Some(1)) }
    })
    .await;
    assert_eq!(history.end, HistoryEnd::Failed(SourceFault::Status { code: 503, retry_after: None }));
    assert_eq!((history.present(), windows.len()), (10_000, 2));
    let moved = http("302 Found", "location: https://other.example/\r\n", "");
    let (history, windows) = read(&question(1), move |_| moved.clone()).await;
    assert!(matches!(history.end, HistoryEnd::Failed(SourceFault::Redirected { .. })), "{:?}", history.end);
    assert_eq!((history.present(), windows.len()), (0, 1), "not tried again at once");
}

#[tokio::test]
async fn when_time_is_up_the_newest_part_is_there() {
    let mut hurried = question(14 * 24);
    hurried.within = Duration::from_millis(300);
    let begun = Instant::now();
    let (history, _) = read(&hurried, |window| {
        std::thread::sleep(Duration::from_millis(200));
        answer(window, |_| Some(1))
    })
    .await;
    assert_eq!(history.end, HistoryEnd::OutOfTime);
    assert!(history.present() >= 10_000 && begun.elapsed() < Duration::from_secs(4), "{}", history.present());
    assert_eq!(history.moments().last().unwrap().0, hurried.last);
}

#[tokio::test]
async fn two_histories_of_a_source_are_read_at_once_and_the_rest_wait() {
    let asker = Arc::new(Asker::default());
    let key = ObjectId { namespace: String::new(), name: "s".to_owned() };
    asker.configure(&key, &spec("http://127.0.0.1:1"), &Credentials::default(), question(1).last);
    let most = Arc::new(Mutex::new((0, 0)));
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (asker, key, most) = (asker.clone(), key.clone(), most.clone());
            tokio::spawn(async move {
                let _turn = asker.turn(&key).await.unwrap();
                {
                    let mut most = most.lock().unwrap();
                    *most = (most.0 + 1, most.1.max(most.0 + 1));
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
                most.lock().unwrap().0 -= 1;
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*most.lock().unwrap(), (0, 2));
    let nobody = ObjectId { namespace: String::new(), name: "unknown".to_owned() };
    assert!(asker.turn(&nobody).await.is_err());
    assert!(matches!(asker.history(&nobody, &question(1)).await.end, HistoryEnd::Failed(_)));
}
