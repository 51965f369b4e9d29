//! Executes templates: walks the nodes of a file and writes to one buffer.
//!
//! ```text
//! Executor::execute ──► Run (per call) ──list──► text, actions ──pipe──► command ──► field │ call │ literal
//!                                                                                   │
//!                                          include, tpl ◄── Run as the function's `run` ◄─┘
//! ```
//!
//! Go's notion of the current node is kept as `at`, because it decides which expression an error names.
//! Everything that the input can repeat is bounded: see [`Options`] and [`MAX_DEPTH`].

mod call;
mod control;
mod eval;
mod field;
mod trace;

use std::any::Any;

use crate::error::{ExecError, Missing, Step};
use crate::function::{self, Functions};
use crate::set::{Layer, Scope, Set};
use crate::stack::with_room;
use crate::tree::{Node, NodeId, Seq, Template};
use crate::value::{Kind, Str, Value};

use trace::Marks;

/// How deep templates may call one another. Go stops at 100000 and says so; this stops a runaway recursion
/// sooner, with the same words, so that it costs tens of megabytes and not hundreds.
const MAX_DEPTH: u32 = 25_000;

/// What Go says when its own bound is reached.
const TOO_DEEP: &str = "exceeded maximum template depth (100000)";

/// How an execution behaves.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub missing_key: MissingKey,
    /// The longest text that one template may print, included ones counted in the one that includes them.
    pub max_output_bytes: usize,
    /// How many turns of `range` and calls of templates one executor does before it gives up.
    pub max_steps: u64,
    /// How many bytes of text and lists its functions may make, all calls together.
    pub max_made_bytes: usize,
}

/// What a map gives for a key that it does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingKey {
    /// `missingkey=zero`: nil, which prints `<no value>`.
    Zero,
    /// `missingkey=error`
    Error,
}

/// Executes templates of one set for one host, one after the other.
pub struct Executor<'a> {
    set: &'a Set,
    machine: Machine<'a>,
}

/// What outlives one template: the variables' stack, buffers to use again, and what has been spent.
struct Machine<'a> {
    options: Options,
    host: &'a dyn Any,
    variables: Vec<Got>,
    spare_arguments: Vec<Vec<Value>>,
    steps: u64,
    made_bytes: usize,
    depth: u32,
    /// Where the executed template writes what; nothing unless asked for.
    marks: Option<Marks>,
}

/// The execution of templates in one scope.
struct Run<'r, 'a> {
    machine: &'r mut Machine<'a>,
    scope: Scope<'r>,
    functions: &'r Functions,
    out: Vec<u8>,
    /// The node that an error names now.
    at: NodeId,
    /// Whether the last argument, if it was nil, was not even an element of something.
    bare_nil: bool,
}

/// One template being executed, and what `.` is in it now.
#[derive(Clone, Copy)]
struct Frame<'r> {
    template: &'r Template,
    /// Where its variables start.
    base: usize,
    dot: &'r Got,
}

/// A value, and whether it is seen through Go's `interface {}`, as a map's and a list's elements are. Only errors
/// about it differ, and a nil that is nothing at all from a nil that is an element.
#[derive(Clone, Debug, Default)]
struct Got {
    value: Value,
    in_interface: bool,
    /// Reached through a pointer and not copied since, so that an action prints it by its pointer's methods.
    addressable: bool,
}

/// Why execution stopped. Boxed: the way without errors carries it through every call.
type Halt = Box<ExecError>;

/// What follows after a list of nodes.
#[derive(Clone, Copy, PartialEq)]
enum Flow {
    Next,
    Break,
    Continue,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            missing_key: MissingKey::Zero,
            max_output_bytes: 128 << 20,
            max_steps: 10_000_000,
            max_made_bytes: 2 << 30,
        }
    }
}

impl<'a> Executor<'a> {
    /// `host` is what functions find in [`function::Call::host`].
    pub fn new(set: &'a Set, host: &'a dyn Any, options: Options) -> Self {
        let machine = Machine {
            options,
            host,
            variables: Vec::with_capacity(32),
            spare_arguments: Vec::new(),
            steps: 0,
            made_bytes: 0,
            depth: 0,
            marks: None,
        };
        Self { set, machine }
    }

    /// Executes the named template with `dot` and returns what it printed.
    pub fn execute(&mut self, name: &str, dot: Value) -> Result<Vec<u8>, ExecError> {
        let scope = Scope {
            set: self.set,
            layer: None,
        };
        let Some(template) = scope.get(name) else {
            return Err(ExecError::bare(no_such_template(name)));
        };
        self.machine.variables.clear();
        self.machine.depth = 0;
        Run::new(&mut self.machine, scope)
            .buffer(template, dot)
            .map_err(|error| *error)
    }

    /// Executes the named template as [`Executor::execute`] does, and tells for each line that it printed which line of
    /// its file, from 1, wrote it: the text, or the action of the template itself, whatever that includes.
    ///
    /// # Errors
    /// Those of [`Executor::execute`].
    pub fn execute_traced(&mut self, name: &str, dot: Value) -> Result<(Vec<u8>, Vec<u32>), ExecError> {
        self.machine.marks = Some(Marks::default());
        let printed = self.execute(name, dot);
        let marks = self.machine.marks.take().unwrap_or_default();
        let printed = printed?;
        let lines = match self.set.get(name) {
            Some(template) => marks.lines(&printed, &template.file.source),
            None => Vec::new(),
        };
        Ok((printed, lines))
    }
}

impl std::fmt::Debug for Executor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor")
            .field("steps", &self.machine.steps)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Run<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("depth", &self.machine.depth)
            .finish_non_exhaustive()
    }
}

impl function::Run for Run<'_, '_> {
    fn execute(&mut self, name: &str, dot: Value) -> Result<Vec<u8>, function::Error> {
        match self.scope.get(name) {
            Some(template) => self.nested(template, dot),
            None => Err(function::Error::new(no_such_template(name))),
        }
    }

    fn execute_source(&mut self, name: &str, source: &[u8], dot: Value) -> Result<Vec<u8>, function::Error> {
        if crate::lex::find_left_delim(source).is_none() {
            return Ok(source.to_vec());
        }
        let parsed = self
            .scope
            .set
            .parsed(name, source)
            .map_err(|error| function::Error::parse(&error))?;
        let layer = Layer {
            parsed: &parsed,
            below: self.scope.layer,
        };
        let scope = Scope {
            set: self.scope.set,
            layer: Some(&layer),
        };
        Run::new(self.machine, scope).nested(&parsed.main, dot)
    }
}

impl<'r, 'a> Run<'r, 'a> {
    fn new(machine: &'r mut Machine<'a>, scope: Scope<'r>) -> Self {
        Self {
            machine,
            scope,
            functions: scope.set.functions(),
            out: Vec::new(),
            at: NodeId(0),
            bare_nil: false,
        }
    }

    /// Executes a template on behalf of a function.
    fn nested(&mut self, template: &Template, dot: Value) -> Result<Vec<u8>, function::Error> {
        if self.machine.depth >= MAX_DEPTH {
            return Err(function::Error::new(TOO_DEEP));
        }
        self.buffer(template, dot).map_err(function::Error::inner)
    }

    /// Executes a template into a buffer of its own.
    fn buffer(&mut self, template: &Template, dot: Value) -> Result<Vec<u8>, Halt> {
        let at = self.at;
        let out = std::mem::take(&mut self.out);
        let result = self.template(template, &Got::from(dot));
        let printed = std::mem::replace(&mut self.out, out);
        self.at = at;
        result.map(|()| printed)
    }

    /// Executes a template into the present buffer, with variables of its own.
    fn template(&mut self, template: &Template, dot: &Got) -> Result<(), Halt> {
        let base = self.machine.variables.len();
        let frame = Frame { template, base, dot };
        self.at = NodeId(0);
        self.step(&frame)?;
        self.machine.depth += 1;
        self.machine.variables.push(dot.clone());
        self.machine
            .variables
            .resize(base + usize::from(template.slots), Got::default());
        let result = with_room(|| self.list(&frame, template.root));
        self.machine.variables.truncate(base);
        self.machine.depth -= 1;
        result.map(|_| ())
    }

    fn list(&mut self, frame: &Frame<'_>, list: Seq) -> Result<Flow, Halt> {
        let file = &*frame.template.file;
        for id in file.links(list) {
            let flow = match file.node(*id) {
                Node::Text { start, end } => {
                    if let Some((marks, at)) = self.marks() {
                        marks.copy(at, start);
                    }
                    self.out.extend_from_slice(file.slice(start, end));
                    self.check_output(frame)?;
                    continue;
                }
                Node::Action { pipe } => {
                    self.action(frame, *id, pipe)?;
                    continue;
                }
                Node::If {
                    pipe,
                    list,
                    otherwise,
                } => self.condition(frame, pipe, [list, otherwise])?,
                Node::With {
                    pipe,
                    list,
                    otherwise,
                } => self.with(frame, pipe, [list, otherwise])?,
                Node::Range {
                    pipe,
                    list,
                    otherwise,
                } => self.range(frame, *id, pipe, [list, otherwise])?,
                Node::Template { name, pipe } => {
                    self.call_template(frame, *id, name, pipe)?;
                    continue;
                }
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
                _ => continue,
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn action(&mut self, frame: &Frame<'_>, id: NodeId, pipe: NodeId) -> Result<(), Halt> {
        let got = self.pipe(frame, pipe)?;
        if let Node::Pipe { decls, .. } = frame.template.file.node(pipe)
            && decls.len > 0
        {
            return Ok(());
        }
        self.at = id;
        if let Some((marks, at)) = self.marks() {
            marks.action(at, &frame.template.file, id);
        }
        match &got.value {
            Value::Str(text) => self.out.extend_from_slice(text.as_bytes()),
            Value::Nil => self.out.extend_from_slice(b"<no value>"),
            Value::Object(object) if got.addressable || object.kind() == Kind::Ptr => {
                object.display_by_pointer(&mut self.out);
            }
            value => {
                if let Err(error) = crate::fmt::append_value(value, &mut self.out) {
                    return self.fail(frame, error.message);
                }
            }
        }
        self.check_output(frame)
    }

    /// The marks and the place of the next one, while the executed template itself writes: what it calls is deeper.
    fn marks(&mut self) -> Option<(&mut Marks, usize)> {
        let marks = self.machine.marks.as_mut()?;
        (self.machine.depth == 1).then_some((marks, self.out.len()))
    }

    fn check_output(&self, frame: &Frame<'_>) -> Result<(), Halt> {
        if self.out.len() > self.machine.options.max_output_bytes {
            let limit = self.machine.options.max_output_bytes;
            return self.fail(frame, format!("the template printed more than {limit} bytes"));
        }
        Ok(())
    }

    /// Counts a turn of a loop or a call of a template.
    fn step(&mut self, frame: &Frame<'_>) -> Result<(), Halt> {
        self.machine.steps += 1;
        if self.machine.steps > self.machine.options.max_steps {
            let limit = self.machine.options.max_steps;
            return self.fail(frame, format!("the templates took more than {limit} steps"));
        }
        Ok(())
    }

    /// The error at the current node.
    #[cold]
    fn fail<T>(&self, frame: &Frame<'_>, message: impl Into<String>) -> Result<T, Halt> {
        Err(Box::new(ExecError {
            trace: vec![self.here(frame, String::new())],
            message: message.into(),
            missing: None,
        }))
    }

    #[cold]
    fn fail_missing<T>(&self, frame: &Frame<'_>, message: String, missing: Missing) -> Result<T, Halt> {
        let trace = vec![self.here(frame, String::new())];
        Err(Box::new(ExecError {
            trace,
            message,
            missing: Some(missing),
        }))
    }

    /// The error of a function that was called at the current node.
    #[cold]
    fn fail_in_call(&self, frame: &Frame<'_>, name: &str, error: function::Error) -> Halt {
        let lead = format!("error calling {name}: {}", error.message);
        match error.inner {
            Some(mut inner) => {
                inner.trace.push(self.here(frame, lead));
                inner
            }
            None => Box::new(ExecError {
                trace: vec![self.here(frame, String::new())],
                message: lead,
                missing: None,
            }),
        }
    }

    fn here(&self, frame: &Frame<'_>, lead: String) -> Step {
        let file = &frame.template.file;
        let has_node = (self.at.0 as usize) < file.nodes.len();
        let (line, column) = if has_node {
            file.line_and_column(self.at)
        } else {
            (1, 0)
        };
        let expression = if has_node {
            file.text_of(self.at)
        } else {
            Vec::new()
        };
        Step {
            template: frame.template.name.clone(),
            file: file.name.clone(),
            line,
            column,
            expression: String::from_utf8_lossy(&expression).into_owned(),
            lead,
            is_template_call: false,
        }
    }
}

impl Got {
    fn through_interface(value: Value) -> Self {
        Self {
            value,
            in_interface: true,
            addressable: false,
        }
    }
}

impl From<Value> for Got {
    fn from(value: Value) -> Self {
        Self {
            value,
            in_interface: false,
            addressable: false,
        }
    }
}

impl From<Str> for Got {
    fn from(text: Str) -> Self {
        Self::from(Value::Str(text))
    }
}

fn no_such_template(name: &str) -> String {
    let name = crate::fmt::quote(name.as_bytes());
    format!("template: no template {name} associated with template \"gotpl\"")
}
