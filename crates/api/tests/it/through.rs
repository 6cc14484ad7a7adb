//! Calls from within a network: through endpoints, each with its service and its policy, and at the network's own address.

use landfall_model::Origin;

use crate::harness::{ACCOUNT, Client, World, at, params};

/// What a user has who may look at subnets alone.
const SUBNETS: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:DescribeSubnets","Resource":"*"}]}"#;
const ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Makes an interface endpoint of a service in the default VPC, with that policy if one is given.
fn endpoint(client: &Client<'_>, service: &str, policy: Option<&str>) -> Origin {
    let vpc = crate::network::default_vpc(client);
    let name = format!("com.amazonaws.us-east-1.{service}");
    let subnet = at(&client.ok("DescribeSubnets", &[]), "subnetSet.0.subnetId").to_owned();
    let mut call = params([
        ("VpcId", vpc.as_str()),
        ("VpcEndpointType", "Interface"),
        ("ServiceName", &name),
        ("SubnetId.1", &subnet),
        ("PrivateDnsEnabled", "false"),
    ]);
    call.extend(policy.map(|policy| ("PolicyDocument".to_owned(), policy.to_owned())));
    let answer = client.send("ec2", "CreateVpcEndpoint", &call);
    assert_eq!(answer.status, 200, "{}", answer.body);
    client.world().settle();
    let id = at(&answer.tree(), "vpcEndpoint.vpcEndpointId").parse().unwrap();
    Origin { vpc: vpc.parse().unwrap(), endpoint: Some(id) }
}

fn only(effect: &str, action: &str, rest: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Principal":"*","Action":"{action}","Resource":"*"{rest}}}]}}"#
    )
}

fn describe(client: &Client<'_>) -> (u16, String) {
    let answer = client.call("DescribeVpcs", &[]);
    (answer.status, answer.body)
}

#[test]
fn an_endpoint_leads_to_its_own_service() {
    let world = World::new();
    let root = world.root();
    let sts = endpoint(&root, "sts", None);
    let through = world.root().through(sts);
    assert_eq!(through.send("sts", "GetCallerIdentity", &[]).status, 200);
    let answer = through.call("DescribeVpcs", &[]);
    assert_eq!(answer.status, 403, "{}", answer.body);
    assert_eq!(answer.message(), "Credential should be scoped to correct service: 'sts'.");
    assert_eq!(describe(&world.root().through(endpoint(&root, "ec2", None))).0, 200);
    let inside = world.root().through(Origin { endpoint: None, ..sts });
    assert_eq!(describe(&inside).0, 200, "the network's own address has every service");
    assert_eq!(inside.send("sts", "GetCallerIdentity", &[]).status, 200);
    root.ok("DeleteVpcEndpoints", &[("VpcEndpointId.1", &sts.endpoint.unwrap().to_string())]);
    let answer = through.send("sts", "GetCallerIdentity", &[]);
    assert_eq!((answer.status, answer.code().as_str()), (503, "ServiceUnavailable"), "{}", answer.body);
}

#[test]
fn an_endpoints_policy_must_allow_and_gives_nothing() {
    let world = World::new();
    let root = world.root();
    let ann = format!("arn:aws:iam::{ACCOUNT}:user/ann");
    let user = |policy: &str| world.user("ann", policy);
    let some = only("Allow", "ec2:DescribeSubnets", "");
    let refused = "You are not authorized to perform this operation. User:";
    let action = "is not authorized to perform: ec2:DescribeVpcs";
    for (policy, words) in [
        (some.clone(), Some("because no VPC endpoint policy allows the ec2:DescribeVpcs action")),
        (only("Deny", "ec2:DescribeVpcs", ""), Some("with an explicit deny in a VPC endpoint policy")),
        (only("Allow", "ec2:Describe*", ""), None),
    ] {
        let through = endpoint(&root, "ec2", Some(&policy));
        for client in [user(ALL), world.root()] {
            let (status, body) = describe(&client.through(through));
            match words {
                None => assert_eq!(status, 200, "{body}"),
                Some(words) => {
                    assert_eq!(status, 403);
                    assert!(body.contains("<Code>UnauthorizedOperation</Code>") && body.contains(refused), "{body}");
                    assert!(body.contains(action) && body.contains(words), "{body}");
                }
            }
        }
        let (status, body) = describe(&user(SUBNETS).through(through));
        assert_eq!(status, 403, "what the endpoint allows isn't given by it: {body}");
    }
    // Whom a policy names.
    let named = |who: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{who}"}},"Action":"*","Resource":"*"}}]}}"#
        )
    };
    let for_ann = endpoint(&root, "ec2", Some(&named(&ann)));
    assert_eq!(describe(&user(ALL).through(for_ann)).0, 200);
    assert_eq!(describe(&world.user("bob", ALL).through(for_ann)).0, 403);
    let for_us = endpoint(&root, "ec2", Some(&named(ACCOUNT)));
    assert_eq!(describe(&world.user("bob", ALL).through(for_us)).0, 200);
    assert_eq!(describe(&world.other().through(for_us)).0, 403, "another account's key in this network");
    // A change of the policy holds at once; without one everything passes.
    let id = for_us.endpoint.unwrap().to_string();
    root.ok("ModifyVpcEndpoint", &[("VpcEndpointId", &id), ("ResetPolicy", "true")]);
    assert_eq!(describe(&world.other().through(for_us)).0, 200);
}

#[test]
fn what_nobody_can_be_denied_by_his_own_policies_passes_the_endpoints() {
    let world = World::new();
    let root = world.root();
    let identity = |policy: &str| {
        let through = endpoint(&root, "sts", Some(policy));
        world.user("ann", SUBNETS).through(through).send("sts", "GetCallerIdentity", &[])
    };
    assert_eq!(identity(&only("Allow", "sts:GetCallerIdentity", "")).status, 200);
    let answer = identity(&only("Allow", "sts:AssumeRole", ""));
    assert_eq!((answer.status, answer.code().as_str()), (403, "AccessDenied"));
    assert_eq!(
        answer.message(),
        format!(
            "User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: sts:GetCallerIdentity because no VPC \
             endpoint policy allows the sts:GetCallerIdentity action"
        )
    );
}

#[test]
fn policies_know_where_a_call_began() {
    let world = World::new();
    let root = world.root();
    let through = endpoint(&root, "ec2", None);
    let (vpc, id) = (through.vpc.to_string(), through.endpoint.unwrap().to_string());
    let inside = Origin { endpoint: None, ..through };
    let when = |condition: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}]}}"#
        )
    };
    // Through the endpoint, at the network's own address, from outside.
    for (condition, expected) in [
        (format!(r#"{{"StringEquals":{{"aws:SourceVpce":"{id}"}}}}"#), [200, 403, 403]),
        (r#"{"StringEquals":{"aws:SourceVpce":"vpce-0123456789abcdef0"}}"#.to_owned(), [403; 3]),
        (format!(r#"{{"StringEquals":{{"aws:SourceVpc":"{vpc}"}}}}"#), [200, 200, 403]),
        (r#"{"IpAddress":{"aws:VpcSourceIp":"172.31.0.0/16"}}"#.to_owned(), [200, 200, 403]),
        (r#"{"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"}}"#.to_owned(), [403; 3]),
        // Who makes a network chooses its addresses: they are nobody's outside.
        (r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#.to_owned(), [403, 403, 200]),
        (r#"{"Bool":{"aws:SecureTransport":"false"}}"#.to_owned(), [200; 3]),
    ] {
        let user = || world.user("ann", &when(&condition));
        let found = [describe(&user().through(through)).0, describe(&user().through(inside)).0, describe(&user()).0];
        assert_eq!(found, expected, "{condition}");
    }
    let near = only("Allow", "*", &format!(r#","Condition":{{"StringEquals":{{"aws:SourceVpc":"{vpc}"}}}}"#));
    assert_eq!(describe(&world.root().through(endpoint(&root, "ec2", Some(&near)))).0, 200);
}

#[test]
fn the_audit_says_where_a_call_began() {
    let world = World::new();
    let through = endpoint(&world.root(), "ec2", None);
    let last = || world.engine().bulk("events", 0, 1000).unwrap().pop().unwrap().record;
    describe(&world.root());
    let record = last();
    assert!(!record.contains("vpc-") && record.contains(r#""sourceIPAddress":"127.0.0.1""#), "{record}");
    describe(&world.root().through(through));
    let record = last();
    let (vpc, id) = (through.vpc, through.endpoint.unwrap());
    for words in [r#""sourceIPAddress":"172.31.0.9""#.to_owned(), format!(r#""vpcEndpointId":"{id}""#)] {
        assert!(record.contains(&words), "{words} in {record}");
    }
    describe(&world.root().through(Origin { endpoint: None, ..through }));
    let record = last();
    assert!(record.contains(&format!(r#""additionalEventData":{{"vpcId":"{vpc}"}}"#)), "{record}");
}
