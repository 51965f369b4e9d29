//! `shipway token`: what people and machines prove themselves with.

use api::{MakeToken, NewTokenShown};
use clap::Subcommand;
use control::AuditLog;
use control::access::Grant;
use control::desk::Done;
use control::tokens::{NewToken, Token, Tokens};
use delivery::audit::Record;
use kinds::Role;
use model::TenantName;

use super::client::Problem;
use super::{ServerArgs, show};
use crate::Failure;
use crate::command::release::connect::{WayArgs, now};
use crate::console::{Column, Console, Table, Verbosity};

/// Make, list and revoke tokens of people and machines.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(Box<CreateArgs>),
    List(ListArgs),
    Revoke(RevokeArgs),
}

/// Make a token, and print it once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway token create root@example.com --person --role Administer --kubeconfig hub.kubeconfig
                                  the first one, written into the hub itself
  shipway token create ana@example.com --person --group payments-leads
                                  may what tenants say of their members
  shipway token create ci --role Deploy --tenant payments --lasts 2160h")]
struct CreateArgs {
    /// A person, as tenants name him; or a name for a machine.
    name: String,
    /// It is a person's. A machine can't agree to plans.
    #[arg(long)]
    person: bool,
    /// A group of the person; may be given several times.
    #[arg(long = "group", value_name = "GROUP", requires = "person")]
    of_groups: Vec<String>,
    /// What it may: View, Approve, Override, Deploy or Administer.
    #[arg(long, value_parser = role)]
    role: Option<Role>,
    /// For this tenant; for everything unless given.
    #[arg(long, requires = "role")]
    tenant: Option<TenantName>,
    /// How long it works.
    #[arg(long, value_name = "DURATION", default_value = "2160h")]
    lasts: String,
    /// The namespace of the controller, with --kubeconfig or --context.
    #[arg(long, value_name = "NAMESPACE", default_value = "shipway-system")]
    namespace: String,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    way: WayArgs,
}

/// List tokens, without their secrets.
#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Those of this tenant alone.
    #[arg(long)]
    tenant: Option<TenantName>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Revoke a token. It works for some seconds more.
#[derive(Debug, clap::Args)]
struct RevokeArgs {
    /// Its id, as it is listed.
    id: String,
    /// It is for this tenant alone.
    #[arg(long)]
    tenant: Option<TenantName>,
    #[command(flatten)]
    server: ServerArgs,
}

const COLUMNS: &[Column<Token>] = &[
    Column::new("ID", |row| row.id.clone()),
    Column::new("WHO", |row| row.who.clone()),
    Column::new("PERSON", |row| if row.person { "yes" } else { "no" }.to_owned()),
    Column::new("MAY", |row| {
        let of = |grant: &Grant| match &grant.tenant {
            Some(tenant) => format!("{:?} {tenant}", grant.role),
            None => format!("{:?} everything", grant.role),
        };
        match row.grants.as_slice() {
            [] => "as a member".to_owned(),
            grants => grants.iter().map(of).collect::<Vec<_>>().join(", "),
        }
    }),
    Column::new("EXPIRES", |row| row.expires.clone()),
    Column::new("BY", |row| row.by.clone()),
];

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    match &args.command {
        Command::Create(args) => create(args, console),
        Command::List(args) => {
            let client = args.server.client()?;
            let tokens: Vec<Token> = client.get(&path(args.tenant.as_ref()))?;
            console.data(&tokens, || Table::of(&tokens, COLUMNS).to_string())
        }
        Command::Revoke(args) => {
            let client = args.server.client()?;
            let done: Done = client.delete(&format!("{}/{}", path(args.tenant.as_ref()), args.id))?;
            show::done(console, &done)
        }
    }
}

fn create(args: &CreateArgs, console: &mut Console) -> Result<(), Failure> {
    let grants = args.role.map(|role| Grant { tenant: None, role });
    let grants: Vec<Grant> = grants
        .into_iter()
        .map(|grant| Grant {
            tenant: args.tenant.as_ref().map(ToString::to_string),
            ..grant
        })
        .collect();
    let made = match args.way.is_named() {
        true => at_the_hub(args, grants)?,
        false => {
            let client = args.server.client()?;
            let asked = MakeToken {
                name: args.name.clone(),
                person: args.person,
                groups: args.of_groups.clone(),
                grants,
                lasts: Some(args.lasts.clone()),
            };
            // Of a machine's tenant, its administrator may make it; of a person, whoever administers everything.
            let tenant = args.tenant.as_ref().filter(|_| !args.person);
            client.post(&path(tenant), &asked)?
        }
    };
    console.data(&made, || format!("{}\n", made.text))?;
    let note = format!(
        "{} until {}; it is shown this once, `shipway token revoke {}` revokes it",
        made.token.who, made.token.expires, made.token.id
    );
    console.note(Verbosity::Normal, &note);
    Ok(())
}

/// Writes a token into the hub itself, as whoever has its kubeconfig can.
fn at_the_hub(args: &CreateArgs, grants: Vec<Grant>) -> Result<NewTokenShown, Failure> {
    let lasts = kinds::duration(&args.lasts).ok_or_else(|| Problem::Way {
        problem: format!("{:?} is no duration", args.lasts),
        cure: "say it in hours, as `--lasts 720h`".to_owned(),
    })?;
    args.namespace.parse::<model::Namespace>()?;
    let connection = args.way.connect()?;
    let hub = control::Hub::new(connection.cluster.clone());
    let who = match (args.person, &args.tenant) {
        (true, _) => args.name.clone(),
        (false, Some(tenant)) => format!("token:{tenant}/{}", args.name),
        (false, None) => format!("token:{}", args.name),
    };
    let what = format!("create token for {who}");
    let new = NewToken {
        who,
        is_person: args.person,
        groups: args.of_groups.clone(),
        grants,
        lasts,
        by: "whoever has the hub's kubeconfig".to_owned(),
    };
    let record = Record {
        time: now(),
        who: new.by.clone(),
        what,
        plan: None,
        why: String::new(),
        outcome: "asked".to_owned(),
    };
    let tokens = Tokens::new(hub.clone(), &args.namespace);
    let made = connection.wait(async {
        let (log, writer) = AuditLog::open(hub, &args.namespace);
        let writing = async {
            log.append(record.clone()).await?;
            let made = tokens.create(new, now()).await?;
            let outcome = format!("done: token {}", made.0.id);
            log.append(Record { outcome, ..record }).await?;
            Ok::<_, control::Error>(made)
        };
        tokio::select! {
            made = writing => made,
            () = writer => unreachable!("the writer never returns"),
        }
    });
    let (token, text) = made?;
    Ok(NewTokenShown { token, text })
}

fn path(tenant: Option<&TenantName>) -> String {
    match tenant {
        Some(tenant) => format!("/api/v1/tenants/{tenant}/tokens"),
        None => "/api/v1/tokens".to_owned(),
    }
}

fn role(text: &str) -> Result<Role, String> {
    let roles = control::access::ROLES.iter().map(|(role, _)| *role);
    let mut named = roles.filter(|role| format!("{role:?}").eq_ignore_ascii_case(text));
    named
        .next()
        .ok_or_else(|| "a role is View, Approve, Override, Deploy or Administer".to_owned())
}
