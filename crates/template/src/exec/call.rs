//! Calls of functions: their arguments are counted, evaluated and converted before the body runs.

use crate::function::{Call, Entry, Param, Special};
use crate::stack::with_room;
use crate::tree::{Node, NodeId};
use crate::value::Value;

use super::eval::Arguments;
use super::{Frame, Got, Halt, Run};

/// Vectors of arguments kept for the next call: as many as calls nest in an ordinary chart.
const MAX_SPARE: usize = 64;

/// `len` of a nil that is not even an element fails inside Go's reflection.
const BARE_NIL: &str = "error calling len: reflect: call of reflect.Value.Type on zero Value";

impl Run<'_, '_> {
    /// Calls the function at `word`; an error in it names `command`.
    pub(super) fn function(
        &mut self,
        frame: &Frame<'_>,
        word: NodeId,
        command: NodeId,
        arguments: Arguments<'_>,
    ) -> Result<Got, Halt> {
        self.at = word;
        let Node::Function { entry, .. } = frame.template.file.node(word) else {
            return Ok(Got::default());
        };
        let Entry { function, special } = self.functions.entry(entry);
        if matches!(special, Special::And | Special::Or) {
            if arguments.is_empty() {
                return self.fail(
                    frame,
                    format!(
                        "wrong number of args for {}: want at least 1 got 0",
                        function.name
                    ),
                );
            }
            return self.short_circuit(frame, special, arguments);
        }
        let callee = (special == Special::Call).then(|| callee(frame, &arguments));
        let signature = (function.params, function.variadic);
        let mut values = self.arguments(frame, function.name, signature, arguments)?;
        match callee {
            Some(callee) => values.insert(0, callee),
            None if special == Special::Len && values[0].is_nil() && self.bare_nil => {
                self.at = command;
                return self.fail(frame, BARE_NIL);
            }
            None => {}
        }
        let host = self.machine.host;
        let result = with_room(|| (function.body)(&mut Call { run: self, host }, &values));
        self.give_back(values);
        match result {
            Ok(value) => {
                self.count_made(frame, &value)?;
                Ok(Got {
                    in_interface: value.is_nil(),
                    value,
                    addressable: false,
                })
            }
            Err(error) => {
                self.at = command;
                Err(self.fail_in_call(frame, function.name, error))
            }
        }
    }

    /// The arguments of a call, each converted to its parameter's type.
    pub(super) fn arguments(
        &mut self,
        frame: &Frame<'_>,
        name: &str,
        (params, variadic): (&[Param], Option<Param>),
        arguments: Arguments<'_>,
    ) -> Result<Vec<Value>, Halt> {
        let written = arguments.nodes.len();
        let given = written + usize::from(arguments.last.is_some());
        let fixed = params.len();
        if variadic.is_some() && given < fixed {
            return self.fail(
                frame,
                format!("wrong number of args for {name}: want at least {fixed} got {written}"),
            );
        }
        if variadic.is_none() && given != fixed {
            return self.fail(
                frame,
                format!("wrong number of args for {name}: want {fixed} got {given}"),
            );
        }
        let param = |at: usize| params.get(at).copied().or(variadic).unwrap_or(Param::Any);
        let mut values = self.machine.spare_arguments.pop().unwrap_or_default();
        for (at, id) in arguments.nodes.iter().enumerate() {
            values.push(self.argument(frame, param(at), *id)?);
        }
        if let Some(last) = arguments.last {
            self.bare_nil = true;
            values.push(self.checked(frame, last, param(written))?);
        }
        Ok(values)
    }

    /// Bounds what functions make, so that a loop that doubles a text ends with an error.
    fn count_made(&mut self, frame: &Frame<'_>, value: &Value) -> Result<(), Halt> {
        self.machine.made_bytes += value.fresh_bytes();
        if self.machine.made_bytes > self.machine.options.max_made_bytes {
            let limit = self.machine.options.max_made_bytes;
            return self.fail(
                frame,
                format!("the templates' functions made more than {limit} bytes"),
            );
        }
        Ok(())
    }

    pub(super) fn give_back(&mut self, mut values: Vec<Value>) {
        if self.machine.spare_arguments.len() < MAX_SPARE {
            values.clear();
            self.machine.spare_arguments.push(values);
        }
    }
}

/// What Go's `call` says it could not call: the text of the first argument, or what came down the pipeline.
fn callee(frame: &Frame<'_>, arguments: &Arguments<'_>) -> Value {
    match (arguments.nodes.first(), &arguments.last) {
        (Some(first), _) => Value::str(frame.template.file.text_of(*first)),
        (
            None,
            Some(Got {
                value: Value::Str(text),
                ..
            }),
        ) => Value::Str(text.clone()),
        (None, Some(got)) => Value::str(format!("<{} Value>", got.value.type_name())),
        (None, None) => Value::Nil,
    }
}
