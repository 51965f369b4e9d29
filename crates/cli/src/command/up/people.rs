//! The people of a laptop, and what each proves himself with: Grace runs the platform, Ada develops.
//!
//! Grace's token is in `client.json`, where `shipway` looks for it by itself; Ada's is in a file of its own. They are two
//! because nobody agrees to his own changes.

use control::Desk;
use control::access::{Caller, Grant};
use control::tokens::{LONGEST, NewToken};
use kinds::Role;
use serde_json::{Value, json};

use super::folder::{self, Folder};
use super::wanted::{GUEST, TEAMS};
use crate::Failure;
use crate::command::release::connect::now;

/// How clients find the server, and whom it takes them for.
pub(crate) const CLIENT: &str = "client.json";

/// The token of the developer.
pub(crate) const DEVELOPER_TOKEN: &str = "ada.token";

/// Who is whom.
pub(crate) const OPERATOR: &str = "grace@example.com";
const DEVELOPER: &str = "ada@example.com";

/// Who makes their tokens, as the audit log has it.
const ITSELF: &str = "shipway up";

/// Makes the tokens that are not there or no longer good, and writes down where the server is now.
pub(super) async fn keep(folder: &Folder, server: &str, desk: &Desk) -> Result<(), Failure> {
    let client: Option<Value> = folder::read(&folder.at(CLIENT));
    let old = client.and_then(|client| Some(client["token"].as_str()?.to_owned()));
    let everything = vec![Grant {
        tenant: None,
        role: Role::Administer,
    }];
    let token = good(desk, old, (OPERATOR, everything)).await?;
    folder.keep_json(CLIENT, &json!({"server": server, "token": token}))?;
    let old = std::fs::read_to_string(folder.at(DEVELOPER_TOKEN)).ok();
    let hers = [TEAMS[0].name, GUEST].map(|tenant| Grant {
        tenant: Some(tenant.to_owned()),
        role: Role::Deploy,
    });
    let token = good(desk, old, (DEVELOPER, hers.into())).await?;
    Ok(folder.keep(DEVELOPER_TOKEN, &format!("{token}\n"))?)
}

/// The old token if it still works, or a new one.
async fn good(
    desk: &Desk,
    old: Option<String>,
    (who, grants): (&str, Vec<Grant>),
) -> Result<String, Failure> {
    if let Some(old) = old {
        let old = old.trim();
        if desk.tokens().caller(old, now()).await.is_ok() {
            return Ok(old.to_owned());
        }
    }
    let new = NewToken {
        who: who.to_owned(),
        is_person: true,
        groups: Vec::new(),
        grants,
        lasts: LONGEST,
        by: ITSELF.to_owned(),
    };
    // Whoever starts it may do everything to it: the folder is his.
    let caller = Caller {
        name: ITSELF.to_owned(),
        groups: Vec::new(),
        is_person: true,
        grants: vec![Grant {
            tenant: None,
            role: Role::Administer,
        }],
    };
    let (_, token) = desk.create_token(&caller, new).await?;
    Ok(token)
}
