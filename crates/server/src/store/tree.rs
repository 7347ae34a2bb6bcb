//! What may become of an organisation: one rule for both stores.

use shicha_domain::directory::{MAX_DEPTH, Org, OrgKind};

use super::StoreError;

/// Whether an organisation may be there like that; `known` is how it is now, and `find` finds others by their code.
pub(super) fn check_org(
    org: &Org,
    known: Option<&Org>,
    mut find: impl FnMut(&str) -> Result<Option<Org>, StoreError>,
) -> Result<(), StoreError> {
    let is_institution = |org: &Org| org.kind == OrgKind::Institution;
    if known.is_some_and(|known| is_institution(known) != is_institution(org)) {
        return Err(StoreError::Contradiction(
            "the code belongs to an organisation of another kind for ever; take another code",
        ));
    }
    let mut above = org.parent.clone();
    for depth in 0..MAX_DEPTH {
        let Some(code) = above else { return Ok(()) };
        if code == org.code {
            return Err(StoreError::Contradiction(
                "an organisation cannot lie below itself",
            ));
        }
        above = match find(code.as_str())? {
            Some(found) => found.parent,
            None if depth == 0 => return Err(StoreError::Missing("organisation above")),
            None => None,
        };
    }
    Err(StoreError::Contradiction(
        "the organisation would lie too deep in the tree",
    ))
}
