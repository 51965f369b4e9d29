//! Archives that are charts, and archives that would do harm.

use std::io::Write as _;

use super::*;

/// An archive of old-style headers, each file empty but for its size.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, data) in files {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
        header[156] = b'0';
        header[148..156].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
        header[154..156].copy_from_slice(b"\0 ");
        tar.extend_from_slice(&header);
        tar.extend_from_slice(data);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    gzip(&tar)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

fn check(files: &[(&str, &[u8])], expected: &str) {
    let shown = match read(&archive(files)) {
        Ok(files) => files
            .iter()
            .map(|file| file.name.to_string())
            .collect::<Vec<_>>()
            .join(" "),
        Err(failed) => format!("error: {failed}"),
    };
    assert_eq!(shown, expected);
}

#[test]
fn the_first_folder_falls_away() {
    check(
        &[("a/Chart.yaml", b"x"), ("b/templates/t", b"")],
        "Chart.yaml templates/t",
    );
    check(
        &[("a\\Chart.yaml", b"x"), ("a\\templates\\t", b"")],
        "Chart.yaml templates/t",
    );
    check(&[("a/x/../Chart.yaml", b"x"), ("a/", b"")], "Chart.yaml");
}

#[test]
fn paths_that_lead_out_are_refused() {
    check(
        &[("a//etc/passwd", b"")],
        "error: chart illegally contains absolute paths",
    );
    check(
        &[("a/../../b", b"")],
        "error: chart illegally references parent directory",
    );
    check(&[("a/c:/b", b"")], "error: chart contains illegally named files");
    check(
        &[("Chart.yaml", b"")],
        "error: chart illegally contains content outside the base directory: \"Chart.yaml\"",
    );
    check(
        &[("a", b"")],
        "error: chart illegally contains content outside the base directory: \"a\"",
    );
    check(
        &[("a/.", b"")],
        "error: chart illegally contains content outside the base directory: \"a/.\"",
    );
}

#[test]
fn what_is_no_archive_is_refused() {
    check(&[], "error: no files in chart archive");
    assert_eq!(read(b"q").unwrap_err().to_string(), "unexpected EOF");
    assert_eq!(read(b"not an archive at all").unwrap_err(), Error::NotGzip);
    assert_eq!(
        read(&gzip(&[b'x'; 600])).unwrap_err().to_string(),
        "archive/tar: invalid tar header"
    );
    let whole = archive(&[("a/b", &[1; 2000])]);
    assert!(read(&whole[..whole.len() / 2]).is_err());
}

#[test]
fn a_byte_order_mark_is_taken_off() {
    let files = read(&archive(&[("a/values.yaml", b"\xef\xbb\xbfa: 1")])).expect("good archive");
    assert_eq!(&*files[0].data, b"a: 1");
}

#[test]
fn sizes_are_bounded() {
    let big = vec![0; 6 << 20];
    let message =
        "error: decompressed chart file \"a/big\" is larger than the maximum file size 5242880 bytes";
    check(&[("a/big", &big)], message);
    let five = vec![0; 5 << 20];
    let names: Vec<String> = (0..21).map(|i| format!("a/{i}")).collect();
    let many: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), five.as_slice()))
        .collect();
    check(
        &many,
        "error: decompressed chart is larger than the maximum size 104857600 bytes",
    );
}

#[test]
fn damage_never_panics() {
    let whole = archive(&[("a/Chart.yaml", b"name: a"), ("a/b", &[7; 700])]);
    let tar = {
        let mut out = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&whole[..]), &mut out)
            .expect("just packed");
        out
    };
    for at in (0..1200).step_by(7) {
        let mut broken = tar.clone();
        broken[at] ^= 0xff;
        drop(read(&gzip(&broken)));
    }
}
