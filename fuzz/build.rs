//! Generates prost's decoders from proto/balance.proto, changed to what src/differential.rs compares.

use std::error::Error;

use protox::prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
use protox::prost_reflect::prost_types::{DescriptorProto, FieldDescriptorProto};

fn main() -> Result<(), Box<dyn Error>> {
    let mut files = protox::compile(["balance.proto"], ["../proto"])?;
    for file in &mut files.file {
        file.message_type.retain(|message| message.name() != "Auth");
        file.message_type.iter_mut().for_each(loosen);
        file.enum_type.clear();
    }
    prost_build::Config::new().compile_fds(files)?;
    println!("cargo::rerun-if-changed=../proto/balance.proto");
    Ok(())
}

/// Makes a message as lax as turn-balance reads it; src/differential.rs says why each.
fn loosen(message: &mut DescriptorProto) {
    message.field.retain(|field| !matches!(field.name(), "padding" | "auth"));
    message.oneof_decl.clear();
    message.field.iter_mut().for_each(loosen_field);
}

fn loosen_field(field: &mut FieldDescriptorProto) {
    (field.oneof_index, field.proto3_optional) = (None, None);
    match field.r#type() {
        Type::String => field.set_type(Type::Bytes),
        Type::Enum => {
            field.set_type(Type::Uint64);
            field.type_name = None;
        }
        Type::Message => field.set_label(Label::Repeated),
        _ => {}
    }
}
