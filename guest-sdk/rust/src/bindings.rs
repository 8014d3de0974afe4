//! What `wit-bindgen` makes of `wit/v0.1`: the raw contract with the host. Everything a guest's author needs of it is
//! exported again at the crate's root, under the same names.

#![allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    reason = "generated code; the calls across the component's border are its own affair"
)]

wit_bindgen::generate!({
    path: "wit/v0.1",
    world: "script",
    pub_export_macro: true,
    export_macro_name: "export_component",
    default_bindings_module: "tgl_guest::bindings",
    additional_derives: [PartialEq],
});
