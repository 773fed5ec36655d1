//! Components made of other components, as composing tools leave them.

/// Every component begins with it.
const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";

/// A component that takes texts as UTF-16, which whoever calls it has otherwise, and does nothing with them.
const LISTENER: &[u8] = &[
    0x00, b'a', b's', b'm', 0x0d, 0, 1, 0, // A component:
    1, 67, // its core module,
    0x00, b'a', b's', b'm', 0x01, 0, 0, 0, //
    1, 14, 2, 0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f, 0x60, 2, 0x7f, 0x7f, 0, // with two types
    3, 3, 2, 0, 1, // of two functions,
    5, 4, 1, 0, 0x90, 0x03, // 400 pages of memory,
    7, 19, 3, 1, b'm', 2, 0, 7, b'r', b'e', b'a', b'l', b'l', b'o', b'c', 0, 0, 1, b'f', 0,
    1, // all exported,
    10, 9, 2, 4, 0, 0x41, 0, 0x0b, 2, 0, 0x0b, // the one giving 0, the other nothing;
    2, 4, 1, 0, 0, 0, // an instance of it;
    7, 8, 1, 0x40, 1, 1, b's', 0x73, 1, 0, // the type of a function that takes a text;
    6, 25, 3, 0, 2, 1, 0, 1, b'm', 0, 0, 1, 0, 7, b'r', b'e', b'a', b'l', b'l', b'o', b'c', 0, 0, 1, 0, 1,
    b'f', //
    8, 11, 1, 0, 0, 1, 3, 3, 0, 4, 0, 1, 0, // the function lifted to that type, as UTF-16,
    11, 7, 1, 0, 1, b'f', 1, 0, 0, // and exported.
];

/// A component of two parts: this plugin, and what its one import, a function that takes a text, is bound to.
///
/// # Panics
/// When the plugin is no component.
pub fn composed(plugin: &[u8], import: &str) -> Vec<u8> {
    let mut whole = [HEADER, &section(4, LISTENER), &section(4, plugin)].concat();
    // An instance of the first part, its function, and an instance of the second with that.
    whole.extend(section(5, &[1, 0, 0, 0]));
    whole.extend(section(6, &[&[1, 1, 0, 0], &name("f")[..]].concat()));
    whole.extend(section(5, &[&[1, 0, 1, 1], &name(import)[..], &[1, 0]].concat()));
    export_all(plugin, 1, &mut whole);
    whole
}

/// A component of this plugin and as many instances of a module without anything in it.
///
/// # Panics
/// When the plugin is no component.
pub fn crowded(plugin: &[u8], instances: usize) -> Vec<u8> {
    let module = section(1, b"\0asm\x01\0\0\0");
    let crowd = section(2, &[&leb(instances)[..], &[0, 0, 0].repeat(instances)].concat());
    let mut whole = [HEADER, &section(4, plugin), &section(4, &[HEADER, &module, &crowd].concat())].concat();
    whole.extend(section(5, &[2, 0, 0, 0, 0, 1, 0]));
    export_all(plugin, 0, &mut whole);
    whole
}

/// What a plugin exports, as exports of a whole in which it is one of two instances.
fn export_all(plugin: &[u8], index: u8, whole: &mut Vec<u8>) {
    let mut instance = 2;
    for export in host::plugin::inspect(plugin).expect("a component").exports {
        whole.extend(section(6, &[&[1, 5, 0, index], &name(&export)[..]].concat()));
        whole.extend(section(11, &[&[1, 0], &name(&export)[..], &[5, instance, 0]].concat()));
        // An export is an instance in turn.
        instance += 2;
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], &leb(content.len())[..], content].concat()
}

fn name(text: &str) -> Vec<u8> {
    [&leb(text.len())[..], text.as_bytes()].concat()
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(u8::try_from(number & 0x7f).expect("seven bits") | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).expect("seven bits"));
    bytes
}
