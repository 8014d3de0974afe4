//! Components made by hand, in the binary format of the component model
//! (https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md).

const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";

/// A component that imports an instance of this name with one function.
pub(crate) fn importing(name: &str) -> Vec<u8> {
    let function = [0x02, 0x01, 0x40, 0x00, 0x01, 0x00, 0x04, 0x00, 0x01, b'f', 0x01, 0x00];
    importing_instance(name, &function)
}

/// A component that passes an instance with nothing in it off as the callbacks of a script: it compiles, and cannot be
/// linked. `tag` tells one of them from another.
pub(crate) fn pretending(tag: &str) -> Vec<u8> {
    let callbacks = "tgl:script/callbacks@0.1.0";
    let export = [&[0x01, 0x00, callbacks.len() as u8], callbacks.as_bytes(), &[0x05, 0x00, 0x00]].concat();
    [importing_instance("tgl:script/calls@0.1.0", &[0x00]), section(11, &export), tagged(tag)].concat()
}

fn importing_instance(name: &str, declarations: &[u8]) -> Vec<u8> {
    let types = section(7, &[&[0x01, 0x42], declarations].concat());
    let import = section(10, &[&[0x01, 0x00, name.len() as u8], name.as_bytes(), &[0x05, 0x00]].concat());
    [HEADER, &types, &import].concat()
}

/// A custom section: it changes nothing but the component's bytes.
fn tagged(tag: &str) -> Vec<u8> {
    section(0, &[&[tag.len() as u8], tag.as_bytes()].concat())
}

/// So many core modules of one memory each, this many pages long, instantiated: put at the end of a component that has
/// this many core modules.
pub(crate) fn memories(count: u8, pages: u8, modules_before: u8) -> Vec<u8> {
    let module = [b"\0asm\x01\0\0\0".as_slice(), &section(5, &[0x01, 0x00, pages])].concat();
    let instances: Vec<u8> = (0..count).flat_map(|number| [0x00, modules_before + number, 0x00]).collect();
    let modules = section(1, &module).repeat(usize::from(count));
    [modules, section(2, &[&[count], instances.as_slice()].concat())].concat()
}

/// How many core modules a component has, those nested in it aside.
pub(crate) fn modules(component: &[u8]) -> u8 {
    let (mut at, mut count) = (HEADER.len(), 0);
    while at < component.len() {
        let (mut length, mut shift, id) = (0, 0, component[at]);
        loop {
            at += 1;
            length |= usize::from(component[at] & 0x7f) << shift;
            shift += 7;
            if component[at] < 0x80 {
                break;
            }
        }
        at += 1 + length;
        count += u8::from(id == 1);
    }
    count
}

/// A section with its length, which is below 128.
fn section(id: u8, content: &[u8]) -> Vec<u8> {
    assert!(content.len() < 0x80, "longer lengths have more bytes");
    [&[id, content.len() as u8], content].concat()
}
