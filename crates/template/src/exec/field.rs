//! Fields: keys of maps, and fields and methods of host objects.

use crate::error::Missing;
use crate::function::{self, Call, Function, Param};
use crate::tree::{Node, NodeId, Seq};
use crate::value::{Kind, Map, MapKind, Object, Value};

use super::eval::Arguments;
use super::{Frame, Got, Halt, MissingKey, Run};

/// Where in a chain of names the walk is.
#[derive(Clone, Copy)]
struct Place {
    node: NodeId,
    names: Seq,
    at: usize,
}

impl Run<'_, '_> {
    /// Walks `.a.b.c` from `receiver`; only the last name may be a method with arguments.
    pub(super) fn fields(
        &mut self,
        frame: &Frame<'_>,
        receiver: &Got,
        (node, names): (NodeId, Seq),
        arguments: Arguments<'_>,
    ) -> Result<Got, Halt> {
        let last = names.len as usize - 1;
        let mut place = Place { node, names, at: 0 };
        if last == 0 {
            return self.field(frame, receiver, place, arguments);
        }
        let mut got = self.field(frame, receiver, place, Arguments::NONE)?;
        for at in 1..last {
            place.at = at;
            got = self.field(frame, &got, place, Arguments::NONE)?;
        }
        place.at = last;
        self.field(frame, &got, place, arguments)
    }

    fn field(
        &mut self,
        frame: &Frame<'_>,
        receiver: &Got,
        place: Place,
        arguments: Arguments<'_>,
    ) -> Result<Got, Halt> {
        let name = &*frame.template.file.names(place.names)[place.at];
        match &receiver.value {
            Value::Map(map) => {
                if map.kind() == MapKind::Values
                    && let Some(method) = self.functions.method(name)
                {
                    return self.values_method(frame, (map, method), place, arguments);
                }
                if !arguments.is_empty() {
                    return self.fail(frame, format!("{name} is not a method but has arguments"));
                }
                let in_interface = map.kind() != MapKind::String;
                match map.borrow().get(name.as_bytes()) {
                    Some(value) => Ok(Got {
                        value: value.clone(),
                        in_interface,
                        addressable: false,
                    }),
                    None => self.missing_key(frame, place, in_interface),
                }
            }
            Value::Nil if receiver.in_interface => self.fail_at(
                frame,
                place,
                format!("nil pointer evaluating interface {{}}.{name}"),
            ),
            Value::Nil if self.machine.options.missing_key == MissingKey::Error => {
                let name = crate::fmt::quote(name.as_bytes());
                self.fail_at(frame, place, format!("nil data; no entry for key {name}"))
            }
            Value::Nil => Ok(Got::default()),
            Value::Object(object) => self.object_field(frame, (receiver, &**object), place, arguments),
            _ => self.no_such_field(frame, receiver, place),
        }
    }

    fn values_method(
        &mut self,
        frame: &Frame<'_>,
        (map, method): (&Map, Function),
        place: Place,
        arguments: Arguments<'_>,
    ) -> Result<Got, Halt> {
        let signature = (&method.params[1..], method.variadic);
        let mut values = self.arguments(frame, method.name, signature, arguments)?;
        values.insert(0, Value::Map(map.clone()));
        let host = self.machine.host;
        let result = (method.body)(&mut Call { run: self, host }, &values);
        self.give_back(values);
        self.method_result(frame, method.name, place, result)
    }

    fn method_result(
        &mut self,
        frame: &Frame<'_>,
        name: &str,
        place: Place,
        result: Result<Value, function::Error>,
    ) -> Result<Got, Halt> {
        match result {
            Ok(value) => Ok(Got {
                in_interface: value.is_nil(),
                value,
                addressable: false,
            }),
            Err(error) => {
                self.at = place.node;
                Err(self.fail_in_call(frame, name, error))
            }
        }
    }

    fn missing_key(&self, frame: &Frame<'_>, place: Place, in_interface: bool) -> Result<Got, Halt> {
        if self.machine.options.missing_key == MissingKey::Error {
            let name = &*frame.template.file.names(place.names)[place.at];
            let message = format!("map has no entry for key {}", crate::fmt::quote(name.as_bytes()));
            return self.fail_at(frame, place, message);
        }
        Ok(if in_interface {
            Got::through_interface(Value::Nil)
        } else {
            Got::from(Value::str(""))
        })
    }

    fn object_field(
        &mut self,
        frame: &Frame<'_>,
        (receiver, object): (&Got, &dyn Object),
        place: Place,
        arguments: Arguments<'_>,
    ) -> Result<Got, Halt> {
        let name = &*frame.template.file.names(place.names)[place.at];
        if object.has_method(name) {
            return self.method(frame, object, place, arguments);
        }
        match object.field(name) {
            Some(_) if !arguments.is_empty() => self.fail(
                frame,
                format!("{name} has arguments but cannot be invoked as function"),
            ),
            Some(value) => Ok(Got {
                in_interface: value.is_nil(),
                value,
                addressable: receiver.addressable || object.kind() == Kind::Ptr,
            }),
            None => self.no_such_field(frame, receiver, place),
        }
    }

    fn method(
        &mut self,
        frame: &Frame<'_>,
        object: &dyn Object,
        place: Place,
        arguments: Arguments<'_>,
    ) -> Result<Got, Halt> {
        let name = &*frame.template.file.names(place.names)[place.at];
        let (params, variadic) = object.signature(name).unwrap_or((&[], Some(Param::Any)));
        let values = self.arguments(frame, name, (params, variadic), arguments)?;
        let result = object.call(name, &values);
        self.give_back(values);
        match result {
            Ok(value) => Ok(Got {
                in_interface: value.is_nil(),
                value,
                addressable: false,
            }),
            Err(error) => {
                self.at = place.node;
                Err(self.fail_in_call(frame, name, error))
            }
        }
    }

    #[cold]
    fn no_such_field(&self, frame: &Frame<'_>, receiver: &Got, place: Place) -> Result<Got, Halt> {
        let name = &*frame.template.file.names(place.names)[place.at];
        let found = if receiver.in_interface {
            "interface {}".into()
        } else {
            receiver.value.type_name()
        };
        self.fail_at(
            frame,
            place,
            format!("can't evaluate field {name} in type {found}"),
        )
    }

    #[cold]
    fn fail_at(&self, frame: &Frame<'_>, place: Place, message: String) -> Result<Got, Halt> {
        let file = &frame.template.file;
        let base = match file.node(place.node) {
            Node::Variable { names, .. } => file.names(names)[0].to_string(),
            Node::Chain { base, .. } => format!("({})", String::from_utf8_lossy(&file.text_of(base))),
            _ => String::new(),
        };
        let names = file.names(place.names).iter().map(ToString::to_string).collect();
        self.fail_missing(
            frame,
            message,
            Missing {
                base,
                names,
                at: place.at,
            },
        )
    }
}
