use http_body_util::BodyExt;
use kube::client::Body;
use tower_test::mock;

use super::*;
use crate::model::{Replicas, TargetRef};

type Server = mock::Handle<http::Request<Body>, http::Response<Body>>;

fn client() -> (Client, Server) {
    let (service, handle) = mock::pair();
    (Client::new(service, "default"), handle)
}

fn step(actuator: ActuatorKind) -> Step {
    Step {
        mapping: "web".to_owned(),
        namespace: "shop".to_owned(),
        target: TargetRef {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            name: "web".to_owned(),
        },
        actuator,
        hpa: (actuator == ActuatorKind::HpaFloor).then(|| "web-cpu".to_owned()),
        from: Replicas(4),
        to: Replicas(6),
        version: "41".to_owned(),
        reasons: vec![],
    }
}

fn deployments() -> ApiResource {
    ApiResource {
        group: "apps".to_owned(),
        version: "v1".to_owned(),
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        plural: "deployments".to_owned(),
    }
}

const AS: WriteAs = WriteAs { scale: "the-scaler", hpa_floor: "the-floor" };

/// Answers the one request that may come and returns its line and body.
async fn answer(mut server: Server, code: u16, body: serde_json::Value) -> (String, serde_json::Value) {
    let (request, reply) = server.next_request().await.expect("no request came");
    let line = format!("{} {}", request.method(), request.uri());
    let sent = request.into_body().collect().await.unwrap().to_bytes();
    let response = http::Response::builder().status(code).body(Body::from(body.to_string().into_bytes()));
    reply.send_response(response.unwrap());
    (line, serde_json::from_slice(&sent).unwrap())
}

fn status(code: u16, message: &str) -> serde_json::Value {
    serde_json::json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code})
}

#[tokio::test]
async fn a_scale_is_written_as_one_number_with_the_version_it_was_decided_on() {
    let (client, server) = client();
    let scale = serde_json::json!({"kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": "web", "resourceVersion": "42"}, "spec": {"replicas": 6}});
    let served = tokio::spawn(answer(server, 200, scale));
    let outcome = carry_out(&client, &step(ActuatorKind::Scale), &deployments(), AS).await;
    assert_eq!(outcome, Outcome::Done { version: "42".to_owned() });
    let (line, body) = served.await.unwrap();
    assert_eq!(line, "PATCH /apis/apps/v1/namespaces/shop/deployments/web/scale?&fieldManager=the-scaler");
    assert_eq!(body, serde_json::json!({"metadata": {"resourceVersion": "41"}, "spec": {"replicas": 6}}));
}

#[tokio::test]
async fn a_floor_is_written_to_the_autoscaler_and_nothing_else_of_it() {
    let (client, server) = client();
    let hpa = serde_json::json!({"kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v2",
        "metadata": {"name": "web-cpu", "resourceVersion": "43"}});
    let served = tokio::spawn(answer(server, 200, hpa));
    let outcome = carry_out(&client, &step(ActuatorKind::HpaFloor), &deployments(), AS).await;
    assert_eq!(outcome, Outcome::Done { version: "43".to_owned() });
    let (line, body) = served.await.unwrap();
    assert!(line.contains("/horizontalpodautoscalers/web-cpu?"), "{line}");
    assert_eq!(body, serde_json::json!({"metadata": {"resourceVersion": "41"}, "spec": {"minReplicas": 6}}));
}

#[tokio::test]
async fn every_refusal_is_an_outcome_of_its_own() {
    let failed = |reason, detail: &str| Outcome::Failed { reason, detail: detail.to_owned() };
    for (code, wanted) in [
        (409, Outcome::Superseded),
        (403, failed(ConditionReason::TargetForbidden, "no")),
        (404, failed(ConditionReason::TargetNotFound, "no")),
        (422, failed(ConditionReason::TargetUnavailable, "no")),
        (500, failed(ConditionReason::TargetUnavailable, "no")),
    ] {
        let (client, server) = client();
        let served = tokio::spawn(answer(server, code, status(code, "no")));
        assert_eq!(
            carry_out(&client, &step(ActuatorKind::Scale), &deployments(), AS).await,
            wanted,
            "{code}"
        );
        served.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_never_answers_is_given_up_on() {
    let (client, mut server) = client();
    let silent = tokio::spawn(async move {
        let held = server.next_request().await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        drop(held);
    });
    let outcome = carry_out(&client, &step(ActuatorKind::Scale), &deployments(), AS).await;
    let detail = "the API server gave no answer within 3s".to_owned();
    assert_eq!(outcome, Outcome::Failed { reason: ConditionReason::TargetUnavailable, detail });
    silent.abort();
}
