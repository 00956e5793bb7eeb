//! The arrows of `ARCHITECTURE.md`: what each part of the program may know of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

use parterre::store;

use crate::util::Server;

on_both_engines!(Server; every_statement_is_one_that_the_engine_takes);

fn every_statement_is_one_that_the_engine_takes(server: Server) {
    let statements = store::statements();
    assert!(statements.len() > 50, "{}", statements.len());
    server.wait_for(server.app.store.prepare_all(&statements)).unwrap();
}

/// What the files of a part may name of the crate: other parts, or `part::Name` where it is no more than that.
///
/// Of the store, `http` names the transaction that it hands to use cases, and the error that it answers.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("store", &["domain", "params"]),
    ("payments", &["domain", "store", "random", "secret"]),
    (
        "app",
        &[
            "domain", "store", "address", "config", "mail", "media", "password", "payments", "places", "random",
            "secret",
        ],
    ),
    (
        "http",
        &[
            "domain",
            "app",
            "payments",
            "store::Tx",
            "store::Error",
            "address",
            "demo",
            "password",
            "places",
            "plan",
            "random",
        ],
    ),
    ("jobs", &["domain", "app", "store"]),
    (
        "cli",
        &[
            "domain", "store", "app", "http", "jobs", "address", "config", "demo", "logging", "media", "random",
            "secret",
        ],
    ),
    ("demo", &["domain", "store", "app", "payments"]),
    ("config", &["domain", "address", "mail", "secret"]),
    ("secret", &["random"]),
    ("mail", &["secret"]),
    ("media", &["domain", "config"]),
    ("password", &["random"]),
    ("logging", &["config"]),
    ("places", &["domain"]),
    ("plan", &["domain"]),
    ("address", &[]),
    ("random", &[]),
    ("testing", &["random"]),
    ("main", &[]),
    ("lib", &[]),
];

#[test]
fn dependencies_point_one_way() {
    let may_name: BTreeMap<&str, &[&str]> = MAY_NAME.iter().copied().collect();
    let mut wrong = Vec::new();
    for (part, file, text) in sources() {
        let allowed = may_name.get(part.as_str()).unwrap_or_else(|| panic!("{part} has no place among the parts"));
        for named in names_of_crate(&text) {
            let of_part = named.split("::").next().unwrap();
            let allowed = of_part == part
                || of_part == "testing"
                || allowed.iter().any(|name| *name == of_part || *name == named);
            if !allowed {
                wrong.push(format!("{} names crate::{named}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Crates, and the parts that may know them.
const KNOWN_TO: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("tokio_postgres", &["store"]),
    ("sea_query", &["store"]),
    ("refinery", &["store"]),
    ("axum", &["http", "cli", "address"]),
    ("tower_http", &["http"]),
    ("lettre", &["mail"]),
    ("clap", &["cli", "config"]),
    ("object_store", &["media"]),
];

#[test]
fn only_the_store_knows_sql_and_only_http_knows_http() {
    let mut wrong = Vec::new();
    for (part, file, text) in sources() {
        for (library, parts) in KNOWN_TO {
            let named = code(&text).any(|line| {
                line.match_indices(&format!("{library}::")).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
                })
            });
            if named && !parts.contains(&part.as_str()) {
                wrong.push(format!("{} knows {library}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_domain_is_pure() {
    let manifest = fs::read_to_string(root().join("crates/domain/Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let names: BTreeSet<&str> = dependencies
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty())
        .collect();
    // Time zones, currencies, and the derives of errors and of JSON: nothing that reaches out of the program.
    for name in &names {
        let pure = ["iso_currency", "jiff", "serde", "serde_json", "thiserror"];
        assert!(pure.contains(name), "the domain depends on {name}");
    }
    for file in files(&root().join("crates/domain/src")) {
        for line in code(&fs::read_to_string(&file).unwrap()) {
            for outside in ["std::fs", "std::net", "std::env", "std::time::SystemTime", "std::thread", "Timestamp::now"]
            {
                assert!(!line.contains(outside), "{} has {outside}", file.display());
            }
        }
    }
}

#[test]
fn every_file_of_the_store_hands_its_statements_to_the_test_that_prepares_them() {
    let all = fs::read_to_string(root().join("src/store/mod.rs")).unwrap();
    let mut with_statements = 0;
    for file in files(&root().join("src/store")) {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.file_stem().unwrap().to_str().unwrap();
        if text.lines().any(|line| line.starts_with("statements! {")) {
            with_statements += 1;
            assert!(all.contains(&format!("{name}::STATEMENTS")), "store::statements() lacks those of {name}.rs");
        }
        // Other statements would be prepared by nobody. The engine has its own, and each is asked for its version in its own
        // words.
        let engine = ["db", "sqlite", "postgres", "migrate", "mod", "health"].contains(&name);
        assert!(engine || !text.contains("Statement::fixed"), "{name}.rs has a statement outside of statements!");
    }
    assert_eq!(all.matches("::STATEMENTS").count(), with_statements);
}

/// The files of the program: the part they belong to, their path and their text.
fn sources() -> Vec<(String, PathBuf, String)> {
    let src = root().join("src");
    let sources: Vec<_> = files(&src)
        .into_iter()
        .map(|file| {
            let within = file.strip_prefix(&src).unwrap();
            let part = within.components().next().unwrap().as_os_str().to_str().unwrap();
            let text = fs::read_to_string(&file).unwrap();
            (part.trim_end_matches(".rs").to_owned(), within.to_owned(), text)
        })
        .collect();
    assert!(sources.len() > 50);
    sources
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The lines that are no comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

/// What a file names of the crate, down to the second name: `store::Tx`, or `store` where there is none.
fn names_of_crate(text: &str) -> Vec<String> {
    let text = code(text).collect::<Vec<_>>().join(" ");
    let mut names = Vec::new();
    for (at, start) in text.match_indices("crate::") {
        let before = text[..at].chars().next_back();
        if !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '$')) {
            names.extend(paths(&text[at + start.len()..], 2));
        }
    }
    names
}

/// The paths that a use tree begins with, down to a depth: `a::{self, b::c}` is `a` and `a::b` at depth 2.
fn paths(tree: &str, depth: usize) -> Vec<String> {
    let tree = tree.trim_start();
    if let Some(group) = tree.strip_prefix('{') {
        return items(group).into_iter().flat_map(|item| paths(item, depth)).collect();
    }
    let end = tree.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(tree.len());
    let (name, rest) = tree.split_at(end);
    match rest.strip_prefix("::") {
        Some(rest) if depth > 1 => {
            let inner = paths(rest, depth - 1).into_iter();
            inner.map(|inner| if inner == "self" { name.to_owned() } else { format!("{name}::{inner}") }).collect()
        }
        _ => vec![name.to_owned()],
    }
}

/// The items of a group whose brace has been opened.
fn items(group: &str) -> Vec<&str> {
    let (mut items, mut start, mut open) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => open += 1,
            '}' if open > 0 => open -= 1,
            ',' if open > 0 => {}
            ',' | '}' => {
                items.extend(Some(&group[start..at]).filter(|item| !item.trim().is_empty()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    items
}

#[test]
fn names_are_found_in_every_form_of_use() {
    let text = "
        //! crate::comment
        use crate::app::{self, App, deals::{Wish, Changes}};
        use crate::{demo, http, store::{Tx, Error}};
        impl From<crate::random::Error> for Error {}
        macro_rules! m { () => { $crate::macros::x!() } }
        use crate::domain;";
    let expected =
        ["app", "app::App", "app::deals", "demo", "http", "store::Tx", "store::Error", "random::Error", "domain"];
    assert_eq!(names_of_crate(text), expected);
}
