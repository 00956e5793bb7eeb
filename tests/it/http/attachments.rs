//! Attachments (`spec/v1.md`, Attachments): files with their addresses, and the pictures of events and partners.

use std::fs;
use std::io::{Cursor, Write};
use std::net::TcpStream;
use std::slice;
use std::time::Duration;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use jiff::SignedDuration;
use parterre::domain::deal::DealStatus;
use parterre::domain::event::EventStatus;
use parterre::domain::time::write_v1;
use serde_json::{Value, json};

use crate::util::{Actor, Server, id, ids};

on_both_engines!(
    Server;
    a_file_is_uploaded_shown_and_served,
    every_type_is_taken_and_no_other,
    a_form_uploads_a_file_as_well,
    what_is_too_large_is_refused_at_its_limit,
    an_upload_that_breaks_off_changes_nothing,
    uploads_that_stand_still_keep_out_only_their_own_partner,
    a_repeated_upload_takes_effect_once,
    a_drawing_is_cleaned,
    what_is_more_than_one_thing_is_served_as_what_it_was_checked_as,
    a_list_holds_what_the_partner_uploaded,
    a_removed_file_is_gone_at_once_and_from_the_disk_soon,
    an_upload_that_was_never_published_is_cleared_away,
    a_file_that_cannot_be_deleted_holds_up_no_other,
    an_event_shows_a_picture_in_three_sizes,
    a_picture_that_is_small_stands_for_all_sizes,
    an_event_takes_only_pictures_that_its_organizer_may_show,
    who_reads_an_event_sees_its_pictures,
    a_partner_shows_its_pictures,
    lists_load_all_their_pictures_at_once,
    the_operator_names_the_address,
);

const ATTACHMENTS: &str = "/v1/resources/attachments";
const PDF: &[u8] = b"%PDF-1.4\n";
const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 9 9\">";

fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let picture = DynamicImage::from(RgbImage::from_fn(width, height, |x, y| Rgb([x as u8, y as u8, 128])));
    let mut content = Vec::new();
    picture.write_to(&mut Cursor::new(&mut content), format).unwrap();
    content
}

pub fn png(width: u32, height: u32) -> Vec<u8> {
    encoded(width, height, ImageFormat::Png)
}

fn path(attachment: &str) -> String {
    format!("{ATTACHMENTS}/{attachment}")
}

/// A new picture of a partner.
fn picture(partner: &Actor<'_>, width: u32, height: u32) -> Value {
    partner.uploads("image/png", png(width, height)).ok()
}

/// Width and height of the picture that an attachment's address leads to.
fn dimensions(server: &Server, attachment: &Value) -> (u32, u32) {
    let answer = server.nobody().opens(attachment["url"].as_str().unwrap());
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), attachment["content_type"].as_str());
    assert_eq!(answer.body.len() as u64, attachment["length"].as_u64().unwrap());
    let picture = image::load_from_memory(&answer.body).unwrap();
    (picture.width(), picture.height())
}

fn a_file_is_uploaded_shown_and_served(server: Server) {
    let organizer = server.organizer();
    let content = png(30, 20);
    let answer = organizer.uploads("image/png", content.clone());
    assert_eq!(answer.status, 200);
    let (file, now) = (answer.ok(), write_v1(server.now()));
    let md5 = file["md5"].as_str().unwrap();
    assert_eq!(md5.len(), 32);
    let url = format!("http://{}/media/{}/{md5}.png", server.address, id(&file));
    let expected = json!({
        "author": organizer.partner(), "content_type": "image/png", "created_at": now, "id": id(&file),
        "length": content.len(), "md5": md5, "md5hash": md5, "removed": false, "updated_at": now, "url": url,
    });
    assert_eq!(answer.text(), expected.to_string(), "every field, in this order");
    for way in [path(id(&file)), format!("/v1/resources/attachment/{}", id(&file))] {
        assert_eq!(organizer.get(&way).ok(), file);
    }
    let opened = organizer.get(&format!("{}?fields-schema=id,author{{name}}", path(id(&file)))).ok();
    assert_eq!(opened, json!({"author": {"name": "Organizer"}, "id": id(&file)}));

    let served = server.nobody().opens(&url);
    assert_eq!((served.status, &served.body), (200, &content));
    for (name, value) in [
        ("content-type", "image/png"),
        ("content-length", &content.len().to_string()),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("content-disposition", &format!("inline; filename=\"{md5}.png\"")),
        ("etag", &format!("W/\"{md5}\"")),
        ("access-control-allow-origin", "*"),
    ] {
        assert_eq!(served.header(name), Some(value), "{name}");
    }
    let at = server.nobody().path_of(&url).to_owned();
    let head = server.nobody().request("HEAD", &at).send();
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["content-type", "content-length", "etag", "cache-control", "content-disposition"] {
        assert_eq!(head.header(name), served.header(name), "{name}");
    }
    for (held, status) in [
        (format!("\"{md5}\""), 304),
        (format!("W/\"{md5}\""), 304),
        (format!("\"other\", \"{md5}\""), 304),
        ("*".to_owned(), 304),
        ("\"other\"".to_owned(), 200),
    ] {
        let answer = server.nobody().saying("If-None-Match", &held).get(&at);
        assert_eq!((answer.status, answer.header("etag")), (status, served.header("etag")), "{held}");
        assert_eq!(answer.header("cache-control"), served.header("cache-control"));
        assert_eq!(answer.body.is_empty(), status == 304);
    }
    for wrong in [
        format!("/media/{}/{md5}.gif", id(&file)),
        format!("/media/{}/x.png", id(&file)),
        format!("/media/0123456789abcdef01234567/{md5}.png"),
        format!("/media/nothing/{md5}.png"),
        format!("/media/{}/..%2f..%2fsecret", id(&file)),
        format!("/media/{}", id(&file)),
        "/media/".to_owned(),
    ] {
        server.nobody().get(&wrong).refused(404);
    }
    let refused = server.nobody().request("POST", &at).body("x").send();
    refused.refused(405);
    assert_eq!(refused.header("allow"), Some("GET, HEAD, OPTIONS"));
    organizer.get(&path("0123456789abcdef01234567")).refused(404);
    organizer.get(&path("nothing")).refused(404);
}

fn every_type_is_taken_and_no_other(server: Server) {
    let organizer = server.organizer();
    let drawing = format!("{SVG}<path d=\"M0 0L9 9\"/></svg>").into_bytes();
    let files = [
        ("image/jpeg", encoded(8, 8, ImageFormat::Jpeg), "inline"),
        ("image/png", png(8, 8), "inline"),
        ("image/gif", encoded(8, 8, ImageFormat::Gif), "inline"),
        ("image/webp", encoded(8, 8, ImageFormat::WebP), "inline"),
        ("image/svg+xml", drawing, "inline"),
        ("application/pdf", PDF.to_vec(), "attachment"),
    ];
    for (of, content, place) in &files {
        // As it is called, in other letters, with parameters, and not called at all.
        for declared in [
            Some(*of),
            Some(&of.to_uppercase()),
            Some(&format!("{of}; charset=utf-8")),
            Some("application/octet-stream"),
            None,
        ] {
            let request = organizer.request("POST", ATTACHMENTS).body(content.clone());
            let request = match declared {
                Some(declared) => request.header("Content-Type", declared),
                None => request,
            };
            let file = request.send().ok();
            assert_eq!(file["content_type"], *of, "{declared:?}");
            let served = server.nobody().opens(file["url"].as_str().unwrap());
            assert_eq!((served.status, served.header("content-type")), (200, Some(*of)));
            assert!(served.header("content-disposition").unwrap().starts_with(place), "{of}");
            assert!(served.header("content-security-policy").unwrap().contains("sandbox"), "{of}");
        }
        // A type that lies.
        for (other, _, _) in files.iter().filter(|(other, ..)| other != of) {
            let refusal = organizer.uploads(other, content.clone()).refused(400);
            assert_eq!((refusal.fields(), refusal.codes()), (vec!["body"], vec!["conflict"]), "{of} as {other}");
            assert!(refusal.reason.contains(of) && refusal.reason.contains(other), "{}", refusal.reason);
        }
    }
    let stored = server.files().len();
    for of in ["text/html", "text/plain", "application/json", "image/tiff", "image/*", "video/mp4", "x"] {
        organizer.uploads(of, png(8, 8)).refused(415);
    }
    for (of, content) in [
        ("image/png", &b""[..]),
        ("image/png", b"\x89PNG\r\n\x1a\nand no more"),
        ("image/gif", b"GIF89a\x01\0\x01\0<script>alert(1)</script>"),
        ("image/svg+xml", b"<html><script>alert(1)</script></html>"),
        ("image/svg+xml", b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>"),
        ("application/octet-stream", b"<!doctype html><script>alert(1)</script>"),
        ("application/octet-stream", b"MZ\x90\0"),
        ("application/pdf", b"\n<html>%PDF-1.4"),
    ] {
        assert_eq!(
            organizer.uploads(of, content).refused(400).fields(),
            ["body"],
            "{}",
            String::from_utf8_lossy(content)
        );
    }
    assert_eq!(organizer.get(ATTACHMENTS).list().len(), 30);
    assert_eq!(server.files().len(), stored, "what is refused leaves nothing");
}

/// A form with these parts: name, headers after it, content.
fn form(parts: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, rest, content) in parts {
        body.extend(format!("--limit\r\nContent-Disposition: form-data; name=\"{name}\"{rest}\r\n\r\n").into_bytes());
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--limit--\r\n");
    body
}

const FORM: &str = "multipart/form-data; boundary=limit";

fn a_form_uploads_a_file_as_well(server: Server) {
    let organizer = server.organizer();
    let content = png(8, 8);
    let as_png = "; filename=\"poster.png\"\r\nContent-Type: image/png";
    for parts in [
        vec![("file", as_png, &content[..])],
        vec![("picture", as_png, &content[..])],
        vec![("title", "", &b"Poster"[..]), ("file", as_png, &content[..]), ("more", "", b"x")],
        vec![("file", "; filename=\"x\"", &content[..])],
        vec![("file", "", &content[..])],
    ] {
        let file = organizer.uploads(FORM, form(&parts)).ok();
        assert_eq!(server.nobody().opens(file["url"].as_str().unwrap()).body, content);
    }
    for (parts, status, field) in [
        (vec![], 400, "file"),
        (vec![("title", "", &b"Poster"[..])], 400, "file"),
        (vec![("file", as_png, &content[..]), ("file", as_png, &content[..])], 400, "file"),
        (vec![("file", as_png, PDF)], 400, "file"),
        (vec![("file", as_png, b"")], 400, "file"),
    ] {
        assert_eq!(organizer.uploads(FORM, form(&parts)).refused(status).fields(), [field]);
    }
    let as_html = "; filename=\"x.html\"\r\nContent-Type: text/html";
    organizer.uploads(FORM, form(&[("file", as_html, &content)])).refused(415);
    let mut cut = form(&[("file", as_png, &content)]);
    cut.truncate(cut.len() / 2);
    assert_eq!(organizer.uploads(FORM, cut).refused(400).fields(), ["body"]);
    assert_eq!(organizer.uploads(FORM, "nothing").refused(400).fields(), ["body"]);
    organizer.uploads("multipart/form-data", form(&[("file", as_png, &content)])).refused(415);
    assert_eq!(organizer.get(ATTACHMENTS).list().len(), 5);
}

fn what_is_too_large_is_refused_at_its_limit(server: Server) {
    let organizer = server.organizer();
    let limit = 20 << 20;
    let mut most = PDF.to_vec();
    most.resize(limit, b' ');
    let file = organizer.uploads("application/pdf", most.clone()).ok();
    assert_eq!(file["length"], limit);
    let served = server.nobody().opens(file["url"].as_str().unwrap());
    assert!(served.whole && served.body == most);
    organizer.uploads(FORM, form(&[("file", "; filename=\"a\"\r\nContent-Type: application/pdf", &most)])).ok();
    most.push(b' ');
    organizer.uploads("application/pdf", most.clone()).refused(413);
    let in_form = form(&[("file", "; filename=\"a\"\r\nContent-Type: application/pdf", &most)]);
    organizer.uploads(FORM, in_form).refused(413);
    let unannounced = organizer.request("POST", ATTACHMENTS).header("Content-Type", "application/pdf").chunked(most);
    unannounced.send().refused(413);
    assert_eq!(organizer.get(ATTACHMENTS).list().len(), 2);
}

fn an_upload_that_breaks_off_changes_nothing(server: Server) {
    let organizer = server.organizer();
    let key = server.key_of(organizer.partner(), organizer.user());
    let request = key.request("POST", ATTACHMENTS).header("Content-Type", "image/png").body(png(300, 300));
    let whole = request.bytes();
    for part in [whole.len() / 2, whole.len() - 1] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(&whole[..part]).unwrap();
        drop(stream);
    }
    assert_eq!(organizer.get(ATTACHMENTS).list(), [] as [Value; 0]);
    // The places among the uploads under way are free again.
    for _ in 0..20 {
        organizer.uploads("image/png", png(8, 8)).ok();
    }
    assert_eq!(server.files().len(), 20);
}

fn uploads_that_stand_still_keep_out_only_their_own_partner(server: Server) {
    let (organizer, other) = (server.organizer(), server.agent());
    let key = server.key_of(organizer.partner(), organizer.user());
    let request = key.request("POST", ATTACHMENTS).header("Content-Type", "application/pdf").body(PDF);
    let whole = request.bytes();
    let still: Vec<TcpStream> = (0..16)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address).unwrap();
            stream.write_all(&whole[..whole.len() - 1]).unwrap();
            stream
        })
        .collect();
    let until = |status: u16| {
        let answers = (0..300).map(|_| {
            std::thread::sleep(Duration::from_millis(20));
            organizer.uploads("application/pdf", PDF)
        });
        answers.into_iter().find(|answer| answer.status == status).unwrap()
    };
    assert_eq!(until(429).header("retry-after"), Some("10"));
    other.uploads("application/pdf", PDF).ok();
    drop(still);
    until(200);
}

fn a_repeated_upload_takes_effect_once(server: Server) {
    let organizer = server.organizer();
    let once = organizer.saying("Idempotency-Key", "poster");
    let first = once.uploads("image/png", png(8, 8));
    let again = once.uploads("image/png", png(8, 8));
    assert_eq!((again.status, again.ok()), (first.status, first.ok()));
    once.uploads("image/png", png(9, 9)).refused(422);
    once.uploads("image/gif", png(8, 8)).refused(422);
    // A form has other boundaries each time, and is the same request.
    let in_form = organizer.saying("Idempotency-Key", "form");
    let part = form(&[("file", "; filename=\"a\"\r\nContent-Type: image/png", &png(8, 8))]);
    let other = String::from_utf8_lossy(FORM.as_bytes()).replace("limit", "other");
    let text: Vec<u8> = part.clone();
    let first = in_form.uploads(FORM, part).ok();
    let replaced = replace(&text, b"--limit", b"--other");
    assert_eq!(in_form.uploads(&other, replaced).ok(), first);
    let wrong = organizer.saying("Idempotency-Key", "wrong");
    for _ in 0..2 {
        wrong.uploads("image/gif", png(8, 8)).refused(400);
    }
    assert_eq!(organizer.get(ATTACHMENTS).list().len(), 2);
    server.advance(SignedDuration::from_hours(1));
    server.run_jobs();
    assert_eq!(server.files().len(), 2, "what was uploaded in vain is cleared away");
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = bytes.to_vec();
    while let Some(at) = replaced.windows(from.len()).position(|window| window == from) {
        replaced.splice(at..at + from.len(), to.iter().copied());
    }
    replaced
}

fn a_drawing_is_cleaned(server: Server) {
    let organizer = server.organizer();
    let drawing = format!(
        "{SVG}<script>alert(1)</script><path onclick=\"alert(2)\" d=\"M0 0L9 9\"/><a href=\"javascript:alert(3)\"/>\
         <image href=\"https://evil.example/pixel.png\"/><foreignObject><iframe src=\"x\"/></foreignObject></svg>"
    );
    let file = organizer.uploads("image/svg+xml", drawing).ok();
    let served = server.nobody().opens(file["url"].as_str().unwrap());
    assert!(served.text().contains("M0 0L9 9"));
    for gone in ["script", "alert", "evil", "foreignObject", "iframe", "onclick"] {
        assert!(!served.text().contains(gone), "{gone}: {}", served.text());
    }
    assert_eq!(served.body.len(), file["length"].as_u64().unwrap() as usize);
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";
    assert_eq!(served.header("content-security-policy"), Some(policy));
    assert_eq!(served.header("x-content-type-options"), Some("nosniff"));
    let entities = format!("<!DOCTYPE svg [<!ENTITY a \"aaaa\">]>{SVG}<text>&a;</text></svg>");
    assert_eq!(organizer.uploads("image/svg+xml", entities).refused(400).fields(), ["body"]);
    let zipped = server.nobody().saying("Accept-Encoding", "gzip").opens(file["url"].as_str().unwrap());
    assert_eq!((zipped.status, zipped.header("content-encoding")), (200, Some("gzip")));
    assert!(zipped.whole);
}

fn what_is_more_than_one_thing_is_served_as_what_it_was_checked_as(server: Server) {
    let organizer = server.organizer();
    let mut content = png(8, 8);
    content.extend(b"<html><script>alert(1)</script></html>");
    let file = organizer.uploads("image/png", content).ok();
    for accept in ["text/html", "image/png", "*/*"] {
        let served = server.nobody().saying("Accept", accept).opens(file["url"].as_str().unwrap());
        assert_eq!((served.status, served.header("content-type")), (200, Some("image/png")));
        assert_eq!(served.header("x-content-type-options"), Some("nosniff"));
    }
    organizer.uploads("text/html", "<html><script>alert(1)</script></html>").refused(415);
    organizer.uploads("image/png", "<html><script>alert(1)</script></html>").refused(400);
}

fn a_list_holds_what_the_partner_uploaded(server: Server) {
    let (organizer, other) = (server.organizer(), server.organizer());
    let own: Vec<Value> = [500, 10, 20].map(|side| picture(&organizer, side, side)).into();
    let foreign = picture(&other, 10, 10);
    assert_eq!(organizer.get(ATTACHMENTS).list(), own, "without the sizes made of them");
    assert_eq!(other.get(ATTACHMENTS).list(), slice::from_ref(&foreign));
    let all = ids(&[own.clone(), vec![foreign.clone()]].concat());
    assert_eq!(server.platform().get(ATTACHMENTS).ids(), all);
    let page = organizer.get(&format!("{ATTACHMENTS}?page=2&page_size=2&fields-schema=id"));
    assert_eq!((page.list(), page.header("total")), (vec![json!({"id": id(&own[2])})], Some("3")));
    organizer.get(&path(id(&foreign))).refused(403);
    organizer.delete(&path(id(&foreign))).refused(403);
    assert_eq!(server.platform().get(&path(id(&foreign))).ok(), foreign);
    server.platform().delete(&path(id(&foreign))).ok();
    assert_eq!(other.get(ATTACHMENTS).list(), [] as [Value; 0]);
    let strict = organizer.saying("Prefer", "handling=strict");
    let request = strict.request("POST", &format!("{ATTACHMENTS}?colour=red")).header("Content-Type", "image/png");
    assert_eq!(request.body(png(8, 8)).send().refused(400).fields(), ["colour"]);
}

fn a_removed_file_is_gone_at_once_and_from_the_disk_soon(server: Server) {
    let organizer = server.organizer();
    let (gone, kept) = (picture(&organizer, 500, 500), picture(&organizer, 10, 10));
    let event = server.event_of(&organizer);
    let shown = organizer.changes_event(&event, json!({"media": {"cover_original": id(&gone)}})).ok();
    let small = &shown["media"]["cover_small"];
    let refusal = organizer.delete(&path(id(small))).refused(409);
    assert!(refusal.reason.contains(id(&gone)), "{}", refusal.reason);
    assert_eq!(server.files().len(), 3);
    server.advance(SignedDuration::from_secs(5));
    assert_eq!(organizer.delete(&path(id(&gone))).ok(), json!({}));
    for file in [&gone, small] {
        server.nobody().opens(file["url"].as_str().unwrap()).refused(404);
    }
    let mut expected = gone.clone();
    (expected["removed"], expected["updated_at"]) = (json!(true), write_v1(server.now()).into());
    assert_eq!(organizer.get(&path(id(&gone))).ok(), expected);
    assert_eq!(organizer.get(ATTACHMENTS).list(), slice::from_ref(&kept));
    let media = json!({"cover_original": null, "cover": null, "cover_small": null});
    assert_eq!(organizer.get(&format!("/v1/resources/events/{event}")).ok()["media"], media);
    let refusal = organizer.changes_event(&server.event_of(&organizer), json!({"media": {"cover": id(&gone)}}));
    assert_eq!(refusal.refused(400).codes(), ["removed"]);
    server.run_jobs();
    assert_eq!(server.files(), [id(&kept)]);
    // Once more changes nothing.
    organizer.delete(&path(id(&gone))).ok();
    server.run_jobs();
    assert_eq!(organizer.get(&path(id(&gone))).ok(), expected);
}

fn an_upload_that_was_never_published_is_cleared_away(server: Server) {
    use parterre::app::attachments;
    use parterre::domain::access::{Acting, Caller};
    use parterre::domain::member::MemberRole;
    use parterre::domain::partner::Roles;

    let organizer = server.organizer();
    let acting =
        Acting { id: organizer.partner().parse().unwrap(), roles: Roles::default(), role: MemberRole::Manager };
    let caller = Caller { user: None, partner: Some(acting) };
    let begin = || {
        let admitted = attachments::admit(&server.app, &caller).unwrap();
        let picture = png(500, 500).into();
        server.wait_for(attachments::upload(&server.app, &caller, &admitted, "body", None, picture)).unwrap()
    };
    // The server dies between the file and its publication.
    let (lost, late) = (begin(), begin());
    drop(lost);
    assert_eq!(server.files().len(), 4);
    assert_eq!(organizer.get(ATTACHMENTS).list(), [] as [Value; 0]);
    server.run_jobs();
    assert_eq!(server.files().len(), 4, "it may still be under way");
    server.advance(SignedDuration::from_mins(31));
    let app = server.app.clone();
    let published = server.wait_for(server.app.store.write(move |tx| attachments::publish(&app, tx, &caller, &late)));
    assert!(published.is_err(), "its file may be deleted at any moment");
    server.run_jobs();
    assert_eq!(server.files(), [] as [&str; 0]);
}

fn a_file_that_cannot_be_deleted_holds_up_no_other(server: Server) {
    use parterre::app::attachments::drop_files;

    let organizer = server.organizer();
    let files: Vec<String> = (0..3).map(|_| id(&picture(&organizer, 8, 8)).to_owned()).collect();
    // The media store does not delete a folder that holds something.
    let stuck = server.media().join(&files[0]);
    fs::remove_file(&stuck).unwrap();
    fs::create_dir(&stuck).unwrap();
    fs::write(stuck.join("file"), "").unwrap();
    for file in &files {
        server.advance(SignedDuration::from_secs(1));
        organizer.delete(&path(file)).ok();
    }
    let step = |limit| {
        server.advance(SignedDuration::from_secs(1));
        server.wait_for(drop_files(&server.app, limit))
    };
    assert!(step(1).is_err(), "the oldest one is the first");
    assert_eq!(step(1).unwrap(), 1, "and then the last");
    assert_eq!(step(10).unwrap(), 1);
    assert!(step(10).is_err());
    assert_eq!(server.files(), [files[0].as_str()]);
    fs::remove_dir_all(&stuck).unwrap();
    server.run_jobs();
    assert_eq!(step(10).unwrap(), 0);
    assert_eq!(server.files(), [] as [&str; 0]);
}

fn an_event_shows_a_picture_in_three_sizes(server: Server) {
    let organizer = server.organizer();
    let poster = picture(&organizer, 3000, 1500);
    let event = server.event_of(&organizer);
    let at = format!("/v1/resources/events/{event}");
    let shown = organizer.changes_event(&event, json!({"media": {"cover_original": id(&poster)}})).ok();
    let media = &shown["media"];
    assert_eq!(media["cover_original"], poster);
    assert_eq!(dimensions(&server, &media["cover_original"]), (3000, 1500));
    assert_eq!(dimensions(&server, &media["cover"]), (1200, 600));
    assert_eq!(dimensions(&server, &media["cover_small"]), (400, 200));
    assert_eq!(media["cover"]["author"], organizer.partner());
    assert_eq!(organizer.get(&at).ok()["media"], *media);
    let narrow = "media{cover{id,author{name}},cover_small{length}}";
    let narrowed = organizer.get(&format!("{at}?fields-schema={narrow}")).ok();
    let expected = json!({"media": {
        "cover": {"author": {"name": "Organizer"}, "id": id(&media["cover"])},
        "cover_small": {"length": media["cover_small"]["length"]},
    }});
    assert_eq!(narrowed, expected);

    // What was read can be sent back, and the first of the three counts.
    let strict = organizer.saying("Prefer", "handling=strict");
    assert_eq!(strict.changes_event(&event, json!({"media": media})).ok(), shown, "no change");
    let other = picture(&organizer, 10, 20);
    for given in [
        json!({"cover_original": other, "cover": media["cover"], "cover_small": media["cover_small"]}),
        json!({"cover": id(&other), "cover_small": media["cover_small"]}),
        json!({"cover_small": other}),
    ] {
        organizer.changes_event(&event, json!({"media": {"cover_original": id(&poster)}})).ok();
        let shown = organizer.changes_event(&event, json!({"media": given})).ok();
        assert_eq!(shown["media"]["cover_original"], other, "{given}");
    }
    // A size stands for its picture.
    let shown = organizer.changes_event(&event, json!({"media": {"cover": id(&media["cover_small"])}})).ok();
    assert_eq!(shown["media"], *media);
    assert_eq!(organizer.changes_event(&event, json!({"media": {}})).ok()["media"], *media);
    let nothing = json!({"cover_original": null, "cover": null, "cover_small": null});
    for cleared in [json!({"cover_original": null}), json!(null), nothing.clone()] {
        organizer.changes_event(&event, json!({"media": {"cover_original": id(&poster)}})).ok();
        assert_eq!(organizer.changes_event(&event, json!({"media": cleared})).ok()["media"], nothing, "{cleared}");
    }
    let lifetime = "BEGIN:VEVENT\r\nDTSTART:20300124T160000Z\r\nDTEND:20300124T173000Z\r\nEND:VEVENT\r\n";
    let new = json!({"title": {"text": "Concert"}, "lifetime": lifetime, "media": {"cover_original": poster}});
    assert_eq!(organizer.post("/v1/resources/events", new).ok()["media"], *media);
}

fn a_picture_that_is_small_stands_for_all_sizes(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let drawing = organizer.uploads("image/svg+xml", format!("{SVG}<path d=\"M0 0\"/></svg>")).ok();
    for file in [picture(&organizer, 400, 300), drawing] {
        let shown = organizer.changes_event(&event, json!({"media": {"cover_original": file}})).ok();
        assert_eq!(shown["media"], json!({"cover_original": file, "cover": file, "cover_small": file}));
    }
    let middle = picture(&organizer, 300, 1200);
    let shown = organizer.changes_event(&event, json!({"media": {"cover_original": middle}})).ok();
    assert_eq!(shown["media"]["cover"], middle);
    assert_eq!(dimensions(&server, &shown["media"]["cover_small"]), (100, 400));
}

fn an_event_takes_only_pictures_that_its_organizer_may_show(server: Server) {
    let (organizer, other) = (server.organizer(), server.organizer());
    let event = server.event_of(&organizer);
    let shows =
        |actor: &Actor<'_>, media: Value| actor.changes_event(&event, json!({"media": media, "age_rating": 12}));
    let foreign = picture(&other, 10, 10);
    let refusal = shows(&organizer, json!({"cover_original": id(&foreign)})).refused(403);
    assert!(refusal.reason.contains("media.cover_original"), "{}", refusal.reason);
    let pdf = organizer.uploads("application/pdf", PDF).ok();
    for (given, field) in [
        (json!({"cover_original": "0123456789abcdef01234567"}), "media.cover_original"),
        (json!({"cover_original": pdf}), "media.cover_original"),
        (json!({"cover_original": "poster"}), "media.cover_original"),
        (json!({"cover_original": 5}), "media.cover_original"),
        (json!({"cover_original": {}}), "media.cover_original"),
        (json!({"cover_original": {"id": 5}}), "media.cover_original"),
        (json!({"cover": []}), "media.cover"),
        (json!({"cover_small": true}), "media.cover_small"),
        (json!([]), "media"),
        (json!("0123456789abcdef01234567"), "media"),
    ] {
        assert_eq!(shows(&organizer, given.clone()).refused(400).fields(), [field], "{given}");
    }
    assert_eq!(organizer.get(&format!("/v1/resources/events/{event}")).ok()["age_rating"], 0, "nothing was changed");
    // The platform may lend a picture of its own, which the organizer may then keep.
    let lent = picture(&server.platform(), 10, 10);
    let shown = shows(&server.platform(), json!({"cover_original": id(&lent)})).ok();
    assert_eq!(shown["media"]["cover"], lent);
    assert_eq!(shows(&organizer, shown["media"].clone()).ok()["media"], shown["media"]);
    shows(&organizer, json!(null)).ok();
    shows(&organizer, json!({"cover_original": id(&lent)})).refused(403);
}

fn who_reads_an_event_sees_its_pictures(server: Server) {
    let (organizer, agent, stranger) = (server.organizer(), server.agent(), server.agent());
    let poster = picture(&organizer, 10, 10);
    let event = server.event(&organizer, EventStatus::StandBy, SignedDuration::from_hours(100));
    organizer.changes_event(&event, json!({"media": {"cover_original": id(&poster)}})).ok();
    server.deal_about(&event, &organizer, &agent, DealStatus::Accepted);
    let at = format!("/v1/resources/events/{event}?fields-schema=media");
    for reader in [&organizer, &agent, &server.platform()] {
        assert_eq!(reader.get(&at).ok()["media"]["cover"], poster);
    }
    stranger.get(&at).refused(403);
    agent.get(&path(id(&poster))).refused(403);
    let through = "/v1/resources/deals?fields-schema=event{media{cover{url}}}";
    assert_eq!(agent.get(through).list(), [json!({"event": {"media": {"cover": {"url": poster["url"]}}}})]);
}

fn a_partner_shows_its_pictures(server: Server) {
    let (organizer, other) = (server.organizer(), server.agent());
    let at = format!("/v1/resources/partners/{}", organizer.partner());
    let (logo, second) = (picture(&organizer, 500, 500), picture(&organizer, 10, 10));
    let shown = organizer.patch(&at, json!({"media": [id(&logo), second, id(&logo)]})).ok();
    assert_eq!(shown["media"], json!([logo, second]), "each once, in order");
    assert_eq!(other.get(&at).ok()["media"], shown["media"], "everybody sees them");
    let narrowed = other.get(&format!("{at}?fields-schema=media{{id,author{{name}}}}")).ok();
    let author = json!({"name": "Organizer"});
    let expected = json!({"media": [{"author": author, "id": id(&logo)}, {"author": author, "id": id(&second)}]});
    assert_eq!(narrowed, expected);
    let strict = organizer.saying("Prefer", "handling=strict");
    assert_eq!(strict.patch(&at, json!({"media": shown["media"]})).ok(), shown, "no change");
    let foreign = picture(&other, 10, 10);
    assert!(organizer.patch(&at, json!({"media": [logo, foreign]})).refused(403).reason.contains("media[1]"));
    let pdf = organizer.uploads("application/pdf", PDF).ok();
    for (given, field) in [
        (json!([id(&logo), "0123456789abcdef01234567"]), "media[1]"),
        (json!([pdf]), "media[0]"),
        (json!([5]), "media[0]"),
        (json!({"id": id(&logo)}), "media"),
        (json!(vec![id(&logo); 101]), "media"),
    ] {
        assert_eq!(organizer.patch(&at, json!({"media": given})).refused(400).fields(), [field]);
    }
    assert_eq!(organizer.get(&at).ok(), shown);
    organizer.delete(&path(id(&logo))).ok();
    assert_eq!(organizer.get(&at).ok()["media"], json!([second]));
    assert_eq!(organizer.patch(&at, json!({"media": []})).ok()["media"], json!([]));
    let owner = server.owner_of(&organizer);
    let new = owner.post("/v1/resources/partners", json!({"name": "Cassa", "media": [second]})).ok();
    assert_eq!(new["media"], json!([second]));
}

fn lists_load_all_their_pictures_at_once(server: Server) {
    let organizer = server.organizer();
    let events: Vec<String> = (0..20).map(|_| server.event_of(&organizer)).collect();
    for event in &events {
        let poster = picture(&organizer, 500, 10);
        organizer.changes_event(event, json!({"media": {"cover_original": poster}})).ok();
    }
    let list = |ids: &[String], schema: &str| {
        let path = format!("/v1/resources/events?ids={}{schema}", ids.join(","));
        server.statements_of(|| organizer.get(&path).list())
    };
    for schema in ["", "&fields-schema=media{cover{author{name}},cover_small{url}}"] {
        let ((for_one, one), (for_all, all)) = (list(&events[..1], schema), list(&events, schema));
        assert_eq!((one.len(), all.len(), for_one), (1, 20, for_all));
        assert!(all.contains(&one[0]));
        assert!(all.iter().all(|event| event["media"]["cover_small"]["url"].is_string()));
    }
    // Who does not ask for pictures does not pay for them.
    let (with, _) = list(&events, "&fields-schema=id,media");
    let (without, _) = list(&events, "&fields-schema=id");
    assert_eq!(with, without + 1);
}

fn the_operator_names_the_address(server: Server) {
    let server = server.with(|options| options.public_url = Some("https://tickets.example.com/".into()));
    let file = server.organizer().uploads("application/pdf", PDF).ok();
    let name = format!("{}.pdf", file["md5"].as_str().unwrap());
    let url = format!("https://tickets.example.com/media/{}/{name}", id(&file));
    assert_eq!(file["url"], url);
    assert_eq!(server.nobody().get(&format!("/media/{}/{name}", id(&file))).status, 200);
}

/// The program against a store that speaks as much of S3 as is needed, in a process of its own, because credentials come
/// from the environment.
#[cfg(feature = "s3")]
mod s3 {
    use std::collections::HashMap;
    use std::process::{Command, Output};
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::body::{Body, Bytes};
    use axum::extract::State;
    use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};

    use crate::util::database::Database;

    #[derive(Clone, Default)]
    struct Bucket {
        files: Arc<Mutex<HashMap<String, Bytes>>>,
        asked: Arc<Mutex<Vec<String>>>,
        refuses: bool,
    }

    async fn answer(
        State(bucket): State<Bucket>,
        method: Method,
        uri: Uri,
        headers: HeaderMap,
        body: Bytes,
    ) -> Response<Body> {
        let signed = headers
            .get("authorization")
            .is_some_and(|value| value.to_str().unwrap().starts_with("AWS4-HMAC-SHA256 Credential=somebody/"));
        bucket.asked.lock().unwrap().push(format!("{method} {} {signed}", uri.path()));
        let mut files = bucket.files.lock().unwrap();
        let (status, body) = match method {
            _ if bucket.refuses || !signed => {
                (StatusCode::FORBIDDEN, Bytes::from("<Error><Code>AccessDenied</Code></Error>"))
            }
            Method::PUT => {
                files.insert(uri.path().to_owned(), body);
                (StatusCode::OK, Bytes::new())
            }
            Method::GET => match files.get(uri.path()) {
                Some(file) => (StatusCode::OK, file.clone()),
                None => (StatusCode::NOT_FOUND, Bytes::new()),
            },
            Method::DELETE => {
                files.remove(uri.path());
                (StatusCode::NO_CONTENT, Bytes::new())
            }
            _ => (StatusCode::NOT_IMPLEMENTED, Bytes::new()),
        };
        Response::builder()
            .status(status)
            .header("etag", "\"1\"")
            .header("last-modified", "Sat, 21 Nov 2026 10:00:00 GMT")
            .body(body.into())
            .unwrap()
    }

    async fn doctor(bucket: Bucket) -> (Output, String) {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = format!("http://{}/posters/tickets", socket.local_addr().unwrap());
        let serving =
            tokio::spawn(async { axum::serve(socket, Router::new().fallback(answer).with_state(bucket)).await });
        let database = Database::sqlite();
        let mut command = Command::new(env!("CARGO_BIN_EXE_parterre"));
        command
            .args(["doctor", "--data"])
            .arg(database.folder().unwrap())
            .args(["--media", &place])
            .env("AWS_ACCESS_KEY_ID", "somebody")
            .env("AWS_SECRET_ACCESS_KEY", "a secret");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        serving.abort();
        (output, place)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn files_go_to_a_bucket_and_come_back() {
        let bucket = Bucket::default();
        let (output, place) = doctor(bucket.clone()).await;
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(&format!("files can be written to {place}, read and deleted")), "{said}");
        assert!(!said.contains("a secret"));
        let asked = ["PUT", "GET", "DELETE"].map(|method| format!("{method} /posters/tickets/trial true"));
        assert_eq!(*bucket.asked.lock().unwrap(), asked);
        assert!(bucket.files.lock().unwrap().is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_bucket_that_refuses_is_a_problem() {
        let (output, place) = doctor(Bucket { refuses: true, ..Bucket::default() }).await;
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(&format!("problem  media: the media store {place} cannot be used")), "{said}");
        assert_eq!(output.status.code(), Some(1));
    }
}
