//! Migrations are embedded by a macro that does not see new files.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
