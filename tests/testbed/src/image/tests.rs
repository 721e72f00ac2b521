//! An archive is the same every time and reads back as what went in.

use std::io::Read as _;

use super::*;

fn image() -> Image {
    Image {
        reference: "bizops.dev/bizops:0.1.0".to_owned(),
        files: vec![
            File {
                path: "/etc/ssl/certs/ca-certificates.crt".to_owned(),
                bytes: b"certs".to_vec(),
                mode: 0o644,
            },
            File { path: "/bizops".to_owned(), bytes: b"program".to_vec(), mode: 0o755 },
        ],
        entrypoint: vec!["/bizops".to_owned()],
        user: "65532:65532".to_owned(),
        labels: BTreeMap::from([("org.opencontainers.image.title".to_owned(), "bizops".to_owned())]),
    }
}

/// Path to (mode, modification time, content).
fn entries(bytes: &[u8]) -> BTreeMap<String, (u32, u64, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in ::tar::Archive::new(bytes).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let header = entry.header();
        let old = found.insert(path.clone(), (header.mode().unwrap(), header.mtime().unwrap(), content));
        assert!(old.is_none(), "{path} is in the archive twice");
    }
    found
}

fn read_json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn the_same_files_give_the_same_bytes_in_whatever_order_they_are_named() {
    let mut turned = image();
    turned.files.reverse();
    assert_eq!(archive(&image()).unwrap(), archive(&turned).unwrap());
}

#[test]
fn another_content_gives_another_digest() {
    let mut other = image();
    other.files[1].bytes.push(b'!');
    assert_ne!(build(&image()).unwrap().digest, build(&other).unwrap().digest);
}

#[test]
fn every_blob_is_named_by_its_digest_and_nothing_carries_a_time() {
    let outer = entries(&archive(&image()).unwrap());
    let blobs: Vec<_> = outer
        .iter()
        .filter(|(path, _)| path.len() > "blobs/sha256/".len() && path.starts_with("blobs/"))
        .collect();
    assert_eq!(blobs.len(), 3, "config, layer and manifest");
    for (path, (_, _, content)) in blobs {
        assert_eq!(*path, blob(&sha256(content)));
    }
    assert!(outer.values().all(|(_, mtime, _)| *mtime == 0));
}

#[test]
fn it_reads_back_as_an_oci_layout() {
    let built = build(&image()).unwrap();
    let outer = entries(&built.bytes);
    assert_eq!(read_json(&outer["oci-layout"].2)["imageLayoutVersion"], "1.0.0");
    let index = read_json(&outer["index.json"].2);
    let entry = &index["manifests"][0];
    assert_eq!(entry["digest"], built.digest);
    assert_eq!(entry["annotations"]["io.containerd.image.name"], "bizops.dev/bizops:0.1.0");
    let manifest = read_json(&outer[&blob(&built.digest)].2);
    assert_eq!(manifest["config"]["digest"], built.id);
    let config_bytes = &outer[&blob(&built.id)].2;
    assert_eq!(manifest["config"]["size"], config_bytes.len());
    let config = read_json(config_bytes);
    assert_eq!(config["architecture"], "amd64");
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["config"]["Entrypoint"][0], "/bizops");
    assert_eq!(config["config"]["Labels"]["org.opencontainers.image.title"], "bizops");
    assert_eq!(
        config["rootfs"]["diff_ids"][0], manifest["layers"][0]["digest"],
        "the layer is not compressed"
    );
}

#[test]
fn it_reads_back_as_a_docker_archive_with_the_files_and_their_permissions() {
    let outer = entries(&archive(&image()).unwrap());
    let docker = read_json(&outer["manifest.json"].2);
    assert_eq!(docker[0]["RepoTags"][0], "bizops.dev/bizops:0.1.0");
    assert!(outer.contains_key(docker[0]["Config"].as_str().unwrap()));
    let layer = entries(&outer[docker[0]["Layers"][0].as_str().unwrap()].2);
    assert_eq!(layer["bizops"], (0o755, 0, b"program".to_vec()));
    assert_eq!(layer["etc/ssl/certs/ca-certificates.crt"], (0o644, 0, b"certs".to_vec()));
    for folder in ["etc/", "etc/ssl/", "etc/ssl/certs/"] {
        assert_eq!(layer[folder].0, 0o755, "{folder}");
    }
}

type Spoil = fn(&mut Image);

#[test]
fn what_is_not_an_image_is_refused_with_what_to_write() {
    let cases: [(&str, Spoil); 8] = [
        ("a lower-case name and a tag", |i| i.reference = "bizops".to_owned()),
        ("a lower-case name and a tag", |i| i.reference = "Bizops:1".to_owned()),
        ("a lower-case name and a tag", |i| i.reference = "bizops:5000/x".to_owned()),
        ("plain absolute path", |i| i.files[0].path = "/etc/../../x".to_owned()),
        ("plain absolute path", |i| i.files[0].path = "/".to_owned()),
        ("given twice", |i| i.files[0].path = "bizops".to_owned()),
        ("in numbers", |i| i.user = "nobody".to_owned()),
        ("no entrypoint", |i| i.entrypoint.clear()),
    ];
    for (expected, spoil) in cases {
        let mut image = image();
        spoil(&mut image);
        let message = archive(&image).unwrap_err().to_string();
        assert!(message.contains(expected), "{message:?} does not say {expected:?}");
    }
}

#[test]
fn the_dockerfile_gives_the_labels_user_and_entrypoint_that_the_script_gives() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.ci");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let (script, dockerfile) = (read("image.sh"), read("Dockerfile"));
    let keys = |text: &str| -> std::collections::BTreeSet<String> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
        words.filter(|word| word.starts_with("org.opencontainers.image.")).map(str::to_owned).collect()
    };
    assert_eq!(keys(&script), keys(&dockerfile));
    assert!(keys(&script).len() >= 3, "title, version, licences");
    assert!(script.contains("--user 65532:65532"));
    let stages: Vec<_> = dockerfile.split("FROM scratch").skip(1).collect();
    assert_eq!(stages.len(), 2, "bizops and the shop");
    for stage in stages {
        assert!(stage.contains("USER 65532:65532") && stage.contains("ENTRYPOINT [\"/"), "{stage}");
    }
}
