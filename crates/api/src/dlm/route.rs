//! Which of Data Lifecycle Manager's operations a request means. Source: botocore's model.

use landfall_wire::Route;

const POLICY: &str = "/policies/{policyId}";
const TAGS: &str = "/tags/{resourceArn}";

pub(crate) const ROUTES: &[Route] = &[
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
