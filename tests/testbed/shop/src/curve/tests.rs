//! The curves that can be played.

use super::*;

fn args() -> CurveArgs {
    CurveArgs {
        base: 100.0,
        step: 0.0,
        at: Duration::from_mins(1),
        trace: None,
        speed: 1.0,
        peak: 200.0,
        duration: None,
        then: Then::Exit,
    }
}

fn trace(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("shop-{}-{name}.csv", std::process::id()));
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_constant_load_never_ends() {
    let curve = Curve::new(&args()).unwrap();
    assert_eq!([curve.rate(0.0), curve.rate(1e6)], [Some(100.0), Some(100.0)]);
}

#[test]
fn a_campaign_raises_the_load_from_its_start_until_the_end() {
    let curve =
        Curve::new(&CurveArgs { step: 0.5, duration: Some(Duration::from_secs(90)), ..args() }).unwrap();
    assert_eq!(
        [curve.rate(59.9), curve.rate(60.0), curve.rate(89.9), curve.rate(90.0)],
        [Some(100.0), Some(150.0), Some(150.0), None]
    );
}

#[test]
fn a_trace_is_scaled_to_its_peak_and_played_faster() {
    let path = trace("day", "timestamp,value\n0,10\n60,40\n120,20\n");
    let mut args = CurveArgs { trace: Some(path.clone()), speed: 60.0, ..args() };
    let curve = Curve::new(&args).unwrap();
    assert_eq!(
        [curve.rate(0.5), curve.rate(1.0), curve.rate(2.9), curve.rate(3.0)],
        [Some(50.0), Some(200.0), Some(100.0), None]
    );
    args.then = Then::Hold;
    assert_eq!(Curve::new(&args).unwrap().rate(99.0), Some(100.0));
    args.then = Then::Repeat;
    assert_eq!(Curve::new(&args).unwrap().rate(4.0), Some(200.0));
    fs::remove_file(path).unwrap();
}

#[test]
fn a_bad_trace_is_refused_with_its_line() {
    for (name, text, expected) in [
        ("text", "timestamp,value\n0,1\nx,2\n", "line 3: write two numbers"),
        ("negative", "0,1\n60,-2\n", "line 2: a rate cannot be negative"),
        ("gap", "0,1\n60,2\n120,3\n240,4\n", "line 4: every step must be as long"),
        ("short", "timestamp,value\n0,1\n", "at least two samples"),
        ("backwards", "60,1\n0,1\n", "the later ones later"),
    ] {
        let path = trace(name, text);
        let error = Curve::new(&CurveArgs { trace: Some(path.clone()), ..args() }).unwrap_err();
        assert!(error.contains(expected), "{error:?} does not say {expected:?}");
        fs::remove_file(path).unwrap();
    }
    assert!(Curve::new(&CurveArgs { speed: 0.0, ..args() }).unwrap_err().contains("--speed 0"));
}
