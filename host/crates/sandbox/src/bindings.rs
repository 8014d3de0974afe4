//! The contract in `wit/`, as wasmtime sees it. Made by `bindgen!`; nothing else is here.

wasmtime::component::bindgen!({
    path: "../../../wit/v0.1",
    world: "script",
    imports: {
        "tgl:script/calls@0.1.0": async | trappable,
        "tgl:script/lookup@0.1.0": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    require_store_data_send: true,
});

/// The interpreter's interface, which guests may export beside the world `script`.
pub(crate) const INTERPRETER: &str = "tgl:script/interpreter@0.1.0";
/// The callbacks, which every guest exports.
pub(crate) const CALLBACKS: &str = "tgl:script/callbacks@0.1.0";
