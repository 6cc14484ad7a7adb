//! Which of Data Lifecycle Manager's operations a request means. Source: botocore's model.

use landfall_wire::{DecodeError, Request, RequestParts, Route, decode_rest_json};

const POLICY: &str = "/policies/{policyId}";
const TAGS: &str = "/tags/{resourceArn}";

const ROUTES: &[Route] = &[
    route("CreateLifecyclePolicy", "POST", "/policies", &[]),
    route("DeleteLifecyclePolicy", "DELETE", POLICY, &[]),
    route("GetLifecyclePolicies", "GET", "/policies", &["policyIds", "resourceTypes", "targetTags", "tagsToAdd"]),
    route("GetLifecyclePolicy", "GET", POLICY, &[]),
    route("ListTagsForResource", "GET", TAGS, &[]),
    route("TagResource", "POST", TAGS, &[]),
    route("UntagResource", "DELETE", TAGS, &["tagKeys"]),
    route("UpdateLifecyclePolicy", "PATCH", POLICY, &[]),
];

const fn route(
    action: &'static str,
    method: &'static str,
    path: &'static str,
    lists: &'static [&'static str],
) -> Route {
    Route { action, method, path, is_read: true, lists }
}

/// Reads a request.
pub(crate) fn decode(parts: &RequestParts<'_>, body: &[u8]) -> Result<Request, DecodeError> {
    decode_rest_json(parts, body, ROUTES)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_has_a_route() {
        let known: BTreeSet<_> = include_str!("../../../../docs/aws-actions/dlm.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        assert_eq!(ROUTES.iter().map(|route| route.action).collect::<BTreeSet<_>>(), known);
        assert_eq!(super::super::OPERATIONS.len(), known.len());
    }
}
