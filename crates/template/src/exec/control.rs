//! Control structures: conditions, loops and calls of templates.

use crate::stack::with_room;
use crate::tree::{Node, NodeId, Seq, UNDEFINED};
use crate::value::{Elem, IntKind, List, Map, MapKind, Str, Value};

use super::{Flow, Frame, Got, Halt, MAX_DEPTH, Run, TOO_DEEP};

/// A `range` being executed.
struct Loop {
    list: Seq,
    /// The slots of the variables that take the key and the element.
    key: Option<u16>,
    element: Option<u16>,
}

impl Run<'_, '_> {
    /// `if`: one of the two branches, with the same dot.
    pub(super) fn condition(
        &mut self,
        frame: &Frame<'_>,
        pipe: NodeId,
        branches: [Seq; 2],
    ) -> Result<Flow, Halt> {
        let truth = self.pipe(frame, pipe)?.value.truth();
        let branch = branches[usize::from(!truth)];
        with_room(|| self.list(frame, branch))
    }

    /// `with`: the first branch sees the value as dot.
    pub(super) fn with(
        &mut self,
        frame: &Frame<'_>,
        pipe: NodeId,
        [list, otherwise]: [Seq; 2],
    ) -> Result<Flow, Halt> {
        let got = self.pipe(frame, pipe)?;
        if got.value.truth() {
            with_room(|| self.list(&Frame { dot: &got, ..*frame }, list))
        } else {
            with_room(|| self.list(frame, otherwise))
        }
    }

    pub(super) fn range(
        &mut self,
        frame: &Frame<'_>,
        id: NodeId,
        pipe: NodeId,
        [list, otherwise]: [Seq; 2],
    ) -> Result<Flow, Halt> {
        self.at = id;
        let over = self.pipe(frame, pipe)?.value;
        let turns = self.new_loop(frame, pipe, list);
        let over = match over {
            Value::Object(object) => object.entries().unwrap_or(Value::Object(object)),
            other => other,
        };
        let flow = match &over {
            Value::Nil => None,
            Value::List(items) => self.range_list(frame, &turns, items)?,
            Value::Map(map) => self.range_map(frame, &turns, map)?,
            Value::Int(number, kind) => self.range_int(frame, &turns, *number, *kind)?,
            Value::Bytes(bytes) => self.range_bytes(frame, &turns, bytes)?,
            _ => {
                let shown = crate::fmt::value_to_string(&over).unwrap_or_default();
                return self.fail(
                    frame,
                    format!("range can't iterate over {}", String::from_utf8_lossy(&shown)),
                );
            }
        };
        match flow {
            Some(flow) => Ok(flow),
            None => with_room(|| self.list(frame, otherwise)),
        }
    }

    fn new_loop(&self, frame: &Frame<'_>, pipe: NodeId, list: Seq) -> Loop {
        let file = &frame.template.file;
        let Node::Pipe { decls, .. } = file.node(pipe) else {
            return Loop {
                list,
                key: None,
                element: None,
            };
        };
        let slot = |id: &NodeId| match file.node(*id) {
            Node::Variable { slot, .. } if slot != UNDEFINED => Some(slot),
            _ => None,
        };
        match file.links(decls) {
            [element] => Loop {
                list,
                key: None,
                element: slot(element),
            },
            [key, element] => Loop {
                list,
                key: slot(key),
                element: slot(element),
            },
            _ => Loop {
                list,
                key: None,
                element: None,
            },
        }
    }

    /// `None` when there was nothing to walk.
    fn range_list(&mut self, frame: &Frame<'_>, turns: &Loop, items: &List) -> Result<Option<Flow>, Halt> {
        let in_interface = items.elem() == Elem::Any;
        for (at, item) in items.iter().enumerate() {
            let element = Got {
                value: item.clone(),
                in_interface,
                addressable: false,
            };
            if self.turn(frame, turns, || Value::int(at as i64), &element)? == Flow::Break {
                break;
            }
        }
        Ok((!items.is_empty()).then_some(Flow::Next))
    }

    /// Walks the entries as they are now: the body may change the map.
    fn range_map(&mut self, frame: &Frame<'_>, turns: &Loop, map: &Map) -> Result<Option<Flow>, Halt> {
        let in_interface = map.kind() != MapKind::String;
        let entries: Vec<(Option<Str>, Value)> = {
            let with_key = turns.key.is_some();
            map.borrow()
                .iter()
                .map(|(key, value)| (with_key.then(|| key.clone()), value.clone()))
                .collect()
        };
        let is_empty = entries.is_empty();
        for (key, value) in entries {
            let key = || key.map_or(Value::Nil, Value::Str);
            let element = Got {
                value,
                in_interface,
                addressable: false,
            };
            if self.turn(frame, turns, key, &element)? == Flow::Break {
                break;
            }
        }
        Ok((!is_empty).then_some(Flow::Next))
    }

    fn range_int(
        &mut self,
        frame: &Frame<'_>,
        turns: &Loop,
        number: i64,
        kind: IntKind,
    ) -> Result<Option<Flow>, Halt> {
        if turns.key.is_some() {
            return self.fail(
                frame,
                format!("can't use {number} to iterate over more than one variable"),
            );
        }
        // The bound on steps ends a loop that would take forever.
        for value in 0..number {
            let element = Got::from(Value::Int(value, kind));
            if self.turn(frame, turns, || Value::Nil, &element)? == Flow::Break {
                break;
            }
        }
        Ok((number > 0).then_some(Flow::Next))
    }

    fn range_bytes(&mut self, frame: &Frame<'_>, turns: &Loop, bytes: &Str) -> Result<Option<Flow>, Halt> {
        for (at, byte) in bytes.as_bytes().iter().enumerate() {
            let element = Got::from(Value::Int(i64::from(*byte), IntKind::Uint8));
            if self.turn(frame, turns, || Value::int(at as i64), &element)? == Flow::Break {
                break;
            }
        }
        Ok((!bytes.is_empty()).then_some(Flow::Next))
    }

    /// One turn of a loop; the key is only made when a variable takes it.
    fn turn(
        &mut self,
        frame: &Frame<'_>,
        turns: &Loop,
        key: impl FnOnce() -> Value,
        element: &Got,
    ) -> Result<Flow, Halt> {
        self.step(frame)?;
        if let Some(slot) = turns.element {
            self.machine.variables[frame.base + usize::from(slot)] = element.clone();
        }
        if let Some(slot) = turns.key {
            self.machine.variables[frame.base + usize::from(slot)] = Got::from(key());
        }
        with_room(|| {
            self.list(
                &Frame {
                    dot: element,
                    ..*frame
                },
                turns.list,
            )
        })
    }

    /// `{{template "name" pipe}}`
    pub(super) fn call_template(
        &mut self,
        frame: &Frame<'_>,
        id: NodeId,
        name: u32,
        pipe: Option<NodeId>,
    ) -> Result<(), Halt> {
        self.at = id;
        let name = frame.template.file.strings[name as usize].value.to_text();
        let Some(template) = self.scope.get(&name) else {
            return self.fail(
                frame,
                format!("template {} not defined", crate::fmt::quote(name.as_bytes())),
            );
        };
        if self.machine.depth >= MAX_DEPTH {
            return self.fail(frame, TOO_DEEP);
        }
        let dot = match pipe {
            Some(pipe) => self.pipe(frame, pipe)?,
            None => Got::default(),
        };
        if let Some((marks, at)) = self.marks() {
            marks.action(at, &frame.template.file, id);
        }
        let result = self.template(template, &dot);
        self.at = id;
        result.map_err(|mut error| {
            let mut step = self.here(frame, String::new());
            step.is_template_call = true;
            error.trace.push(step);
            error
        })
    }
}
