//! Tests of the file above.

use super::*;

fn values(text: &str) -> Vec<Option<f64>> {
    read(text.as_bytes()).unwrap().samples.demand
}

#[test]
fn what_people_save_is_read() {
    let wanted = vec![Some(1.0), Some(2.0), Some(3.0)];
    for text in [
        "timestamp,value\n0,1\n60,2\n120,3\n",
        "\u{feff}timestamp,value\r\n0,1\r\n60,2\r\n120,3\r\n",
        "\"timestamp\",\"value\"\n\"0\",\"1\"\n\"60\",\"2\"\n\"120\",\"3\"\n",
        "0,1\n60,2\n120,3",
        "time, demand \n1970-01-01T00:00:00Z, 1\n1970-01-01T00:01:00Z, 2\n1970-01-01T00:02:00Z, 3\n",
        "timestamp,value,more\n0,1,x\n60,2,y\n120,3,z\n",
    ] {
        assert_eq!(values(text), wanted, "{text:?}");
    }
    let milliseconds = read("1800000000000,1\n1800000060000,2\n".as_bytes()).unwrap().samples;
    assert_eq!((milliseconds.start, milliseconds.step), (1_800_000_000, 60));
}

#[test]
fn what_can_be_mended_is_mended_and_said() {
    let trace = read("t,v\n0,1\n60,2\n60,4\n120,NaN\n180,\n300,5\n".as_bytes()).unwrap();
    assert_eq!(trace.samples.demand, [Some(1.0), Some(3.0), None, None, None, Some(5.0)]);
    for words in ["1 lines repeat", "2 lines have no number", "3 moments have no sample"] {
        assert!(
            trace.warnings.iter().any(|warning| warning.contains(words)),
            "{words}: {:?}",
            trace.warnings
        );
    }
    assert!(read("0,1\n60,2\n".as_bytes()).unwrap().warnings[0].contains("no head"));
    assert!(read("t,v\r\n0,1\r\n60,2\r\n".as_bytes()).unwrap().warnings.is_empty());
}

#[test]
fn samples_finer_than_the_grid_are_averaged_while_they_are_read() {
    let lines: Vec<String> = (0..3000).map(|second| format!("{second},{}", second % 15)).collect();
    let text = lines.join("\n");
    let samples = read(text.as_bytes()).unwrap().samples;
    assert_eq!((samples.step, samples.demand.len()), (15, 200));
    assert!(samples.demand.iter().all(|demand| *demand == Some(7.0)));
}

#[test]
fn what_cannot_be_mended_is_refused_with_its_line() {
    for (text, words) in [
        ("", "there is no sample in it"),
        ("timestamp,value\n", "there is no sample in it"),
        ("0,1\n", "there are not two moments in it"),
        ("t,v\n0,1\nnoon,2\n", "line 3: \"noon\" is no time: write seconds since 1970"),
        ("t,v\n0,1\n60,many\n", "line 3: \"many\" is no number"),
        ("t,v\r\n0,1\r\n60,many\r\n", "line 3: \"many\" is no number"),
        ("t,v\n0,1\n60,1,5\n", ""),
        ("t,v\n60,1\n0,2\n", "line 3: the time goes back"),
        ("t,v\n0,1\n60,-2\n", "line 3: -2 is a negative demand"),
        ("t,v\n0,1\n60\n", "line 3: 1 columns instead of two"),
        ("t,v\n0,1\n15,1\n9000000000,1\n", "2255-03-14T16:00:00Z is more than"),
    ] {
        match read(text.as_bytes()) {
            Ok(_) => assert_eq!(words, "", "{text:?} was read"),
            Err(said) => assert!(said.contains(words) && !words.is_empty(), "{text:?}: {said}"),
        }
    }
    assert!(read(&b"t,v\n0,\xff\xfe\n"[..]).unwrap_err().contains("save it as UTF-8"));
}
