//! Demand moves, replicas follow.

use std::time::Duration;

use serde_json::json;
use testbed::hold_true;

use crate::support::{Objective, SOON, alone, bed};

#[test]
fn half_more_demand_gives_half_more_replicas_and_the_status_says_why() {
    let _turn = alone();
    let (bed, ns) = (bed(), bed().namespace("follow"));
    let operator = bed.operator("follow", &[]);
    let app = format!("{ns}-web");
    bed.dial.set("demand", &[("app", &app)], 400.0);
    bed.deployment(&ns, "web", 4);
    bed.apply(&Objective::new(&ns, "web").yaml());
    bed.await_condition(&ns, "web", ["Ready", "True", "Reconciled"], SOON);
    bed.await_condition(&ns, "web", ["Met", "True", "GoalMet"], SOON);
    bed.dial.set("demand", &[("app", &app)], 600.0);
    bed.await_replicas(&ns, "web", 6, SOON);
    bed.await_condition(&ns, "web", ["ScalingActive", "True", "Enforcing"], SOON);
    let status = bed.objective(&ns, "web")["status"].clone();
    let decision = &status["decisions"][0];
    assert_eq!((&decision["from"], &decision["to"]), (&json!(4), &json!(6)), "{status:#}");
    assert_eq!(decision["outcome"], "Done", "{status:#}");
    assert_eq!(decision["reasons"][0]["message"], "600 requests/s need 6 replicas", "{status:#}");
    operator.stop(Duration::from_secs(10)).unwrap();
}

#[test]
fn a_short_dip_changes_nothing_and_a_long_one_goes_down_in_steps() {
    let _turn = alone();
    let (bed, ns) = (bed(), bed().namespace("dip"));
    let operator = bed.operator("dip", &[]);
    let app = format!("{ns}-web");
    let demand = |value: f64| bed.dial.set("demand", &[("app", &app)], value);
    demand(1600.0);
    bed.deployment(&ns, "web", 16);
    let policy = json!({"scaleDown": {"window": "12s", "maxStep": "50%"}});
    bed.apply(&Objective::new(&ns, "web").with(&[("/interval", json!("1s")), ("/policy", policy)]).yaml());
    bed.await_condition(&ns, "web", ["Met", "True", "GoalMet"], SOON);
    std::thread::sleep(Duration::from_secs(14));
    demand(200.0);
    std::thread::sleep(Duration::from_secs(5));
    demand(1600.0);
    let stays = || match bed.replicas(&ns, "web") {
        16 => Ok(()),
        other => Err(format!("{other} replicas")),
    };
    hold_true("16 replicas in a short dip", Duration::from_secs(10), stays).unwrap();
    demand(200.0);
    bed.await_replicas(&ns, "web", 8, SOON);
    bed.await_replicas(&ns, "web", 4, SOON);
    bed.await_replicas(&ns, "web", 2, SOON);
    operator.stop(Duration::from_secs(10)).unwrap();
}
