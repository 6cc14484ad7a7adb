// Random policies and requests, judged by us and by npm's @cloud-copilot/iam-simulate, a second implementation that shares
// nothing with ours nor with the crate that crates/policy/tests/oracle.rs compares with.
//
//   node compare.mjs JUDGE CASES SEED     from a folder in which the package is installed
//
// The cases in which it departs from AWS's documentation (crates/policy/examples/judge.rs names them) aren't made.
// Prints each disagreement as the line that JUDGE reads, and ends with 1 if there was one.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'

const [judge, count, seed] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
const { runSimulation } = createRequire(`${process.cwd()}/`)('@cloud-copilot/iam-simulate')

// mulberry32: small, seeded, good enough to choose by.
let state = seed >>> 0
function random() {
  state = (state + 0x6d2b79f5) >>> 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
const chance = (p) => random() < p
const pick = (list) => list[Math.floor(random() * list.length)]
const some = (list, most) => Array.from({ length: 1 + Math.floor(random() * most) }, () => pick(list))
const oneOrMany = (list) => (list.length === 1 && chance(0.5) ? list[0] : list)

const HOME = '111122223333'
const AWAY = '444455556666'
const REQUESTS = [
  ['ec2:RunInstances', (a) => `arn:aws:ec2:us-east-1:${a}:subnet/subnet-0a1`],
  ['ec2:TerminateInstances', (a) => `arn:aws:ec2:eu-west-1:${a}:instance/i-0a1`],
  ['ec2:CreateTags', (a) => `arn:aws:ec2:us-east-1:${a}:volume/vol-0a1`],
  ['iam:PassRole', (a) => `arn:aws:iam::${a}:role/team/builder`],
  ['iam:PutUserPolicy', (a) => `arn:aws:iam::${a}:user/ann`],
  ['sqs:SendMessage', (a) => `arn:aws:sqs:us-east-1:${a}:ann-queue`],
  ['secretsmanager:GetSecretValue', (a) => `arn:aws:secretsmanager:us-east-1:${a}:secret:db-a1b2c3`],
]
const WITH_POLICY = ['sqs:SendMessage', 'secretsmanager:GetSecretValue']
const ACTIONS = ['*', '*', '*', 'ec2:*', 'EC2:runinstances', 'ec2:*Instances', 'ec2:Create?ags', 'iam:*', 'iam:Pass*', 'iam:PutUserPolicy',
  'sqs:Send*', 'sqs:*', 'secretsmanager:Get*', 's3:GetObject']
const RESOURCES = ['*', '*', '*', '*', 'arn:aws:ec2:*:*:*', 'arn:aws:ec2:us-*:111122223333:subnet/*', 'arn:aws:ec2:*:*:instance/i-0?1', 'arn:*:iam::*:role/*',
  'arn:aws:iam::111122223333:role/team/*', 'arn:aws:iam::*:user/an?', 'arn:aws:sqs:*:*:ann-*',
  'arn:aws:sqs:us-east-1:444455556666:ann-queue', 'arn:aws:secretsmanager:*:*:secret:db-??????', 'arn:aws:ec2:us-east-1:111122223333:volume/vol-0a1']
const WORDS = ['a', 'B', 'ab', 'a*', '?', '*b', '${aws:PrincipalTag/name}']
const TEXTS = ['a', 'A', 'b', 'ab', 'aab', 'ann']
const ARNS = ['arn:aws:sns:us-east-1:111122223333:topic', 'arn:aws:sns:*:111122223333:topic', 'arn:aws:sns:us-*:*:t*', 'arn:aws:s3:::bucket']
const DATES = ['2026-01-01T00:00:00Z', '2025-12-31T23:59:59Z', '2026-06-30T12:00:00Z', '2026-01-01T02:00:00+02:00']
const RANGES = ['10.0.0.0/8', '10.1.2.3', '192.0.2.0/24', '198.51.0.0/16', '10.1.2.0/30']

const text = ['StringEquals', 'StringNotEquals', 'StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', 'StringLike', 'StringNotLike']
const number = ['NumericEquals', 'NumericNotEquals', 'NumericLessThan', 'NumericLessThanEquals', 'NumericGreaterThan', 'NumericGreaterThanEquals']
const date = number.map((name) => name.replace('Numeric', 'Date'))
const arn = ['ArnEquals', 'ArnLike', 'ArnNotEquals', 'ArnNotLike']
const exists = (name) => (chance(0.25) ? `${name}IfExists` : name)

function test() {
  switch (Math.floor(random() * 10)) {
    case 0: case 1: case 2: return [exists(pick(text)), pick(['aws:RequestTag/App', 'AWS:requesttag/App', 'aws:PrincipalTag/name']), oneOrMany(some(WORDS, 3))]
    case 3: return [`ForAllValues:${exists(pick(text))}`, 'aws:TagKeys', some(WORDS, 3)]
    case 4: return [`ForAnyValue:${pick(text)}`, 'aws:TagKeys', some(WORDS, 3)]
    case 5: return [exists(pick(number)), 'aws:MultiFactorAuthAge', oneOrMany(some(['-1', '0', '60', '3600', '60.5'], 2))]
    case 6: return [exists(pick(date)), 'aws:CurrentTime', oneOrMany(some(DATES, 2))]
    case 7: return [exists(pick(['IpAddress', 'NotIpAddress'])), 'aws:SourceIp', oneOrMany(some(RANGES, 2))]
    case 8: return [exists(pick(arn)), 'aws:SourceArn', oneOrMany(some(ARNS, 2))]
    default: return chance(0.5) ? [exists('Bool'), 'aws:SecureTransport', pick(['true', 'false'])]
      : ['Null', pick(['aws:RequestTag/App', 'aws:TagKeys', 'aws:MultiFactorAuthAge']), pick(['true', 'false'])]
  }
}

function condition() {
  const made = {}
  for (let n = Math.floor(random() * 3); n > 0; n--) {
    const [operator, key, values] = test()
    made[operator] ??= {}
    const known = Object.keys(made[operator]).some((name) => name.toLowerCase() === key.toLowerCase())
    if (!known) made[operator][key] = values
  }
  return made
}

function statement(deny, principal) {
  const made = { Effect: chance(deny) ? 'Deny' : 'Allow' }
  if (principal) made.Principal = principal
  made[chance(0.15) ? 'NotAction' : 'Action'] = oneOrMany(some(ACTIONS, 3))
  made[chance(0.15) ? 'NotResource' : 'Resource'] = oneOrMany(some(RESOURCES, 3))
  const when = condition()
  if (Object.keys(when).length) made.Condition = when
  return made
}

const document = (deny = 0.25) => ({ Version: '2012-10-17', Statement: Array.from({ length: 1 + Math.floor(random() * 3) }, () => statement(deny)) })

function make() {
  const principal = pick([`arn:aws:iam::${HOME}:user/ann`, `arn:aws:iam::${HOME}:user/ann`, `arn:aws:sts::${HOME}:assumed-role/builder/s1`])
  const isRole = principal.includes('assumed-role')
  const role = `arn:aws:iam::${HOME}:role/builder`
  const [action, named] = pick(REQUESTS)
  const takesPolicy = WITH_POLICY.includes(action)
  const owner = takesPolicy && chance(0.4) ? AWAY : HOME
  const resource = named(owner)
  const made = { principal, action, resource, owner, identity: Array.from({ length: Math.floor(random() * 4) }, () => document()), context: {} }
  if (isRole) made.role_arn = role
  if (chance(0.25)) made.boundary = document(0.15)
  if (takesPolicy && (owner !== HOME || chance(0.5))) {
    const whom = isRole ? [role, HOME, `arn:aws:iam::${HOME}:root`, AWAY] : [principal, HOME, `arn:aws:iam::${HOME}:root`, AWAY]
    const statements = Array.from({ length: 1 + Math.floor(random() * 2) }, () => {
      const one = statement(0.2, { AWS: oneOrMany(some(whom, 2)) })
      for (const field of ['NotAction', 'NotResource']) delete one[field]
      one.Action ??= `${action.split(':')[0]}:*`
      one.Action = oneOrMany([one.Action].flat().filter((name) => name === '*' || name.startsWith(`${action.split(':')[0]}:`)).concat(action))
      one.Resource = chance(0.8) ? resource : '*'
      return one
    })
    made.resource_policy = { Version: '2012-10-17', Statement: statements }
  }
  if (isRole && chance(0.3) && !made.resource_policy) made.session = document(0.15)
  if (chance(0.2)) made.service_control = Array.from({ length: 1 + Math.floor(random() * 2) }, () => document(0.2))
  const put = (likely, key, value) => { if (chance(likely)) made.context[key] = value() }
  put(1, 'aws:PrincipalTag/name', () => pick(['ann', 'a', 'ab']))
  put(0.6, 'aws:RequestTag/App', () => pick(TEXTS))
  put(0.6, 'aws:TagKeys', () => some(TEXTS, 3))
  put(0.6, 'aws:MultiFactorAuthAge', () => pick(['0', '60', '61', '4000']))
  put(0.9, 'aws:CurrentTime', () => pick(DATES.slice(0, 3)))
  put(0.9, 'aws:SourceIp', () => pick(['10.1.2.3', '10.200.0.1', '192.0.2.9', '198.51.100.1']))
  put(0.5, 'aws:SourceArn', () => pick(['arn:aws:sns:us-east-1:111122223333:topic', 'arn:aws:sns:us-west-2:444455556666:table', 'arn:aws:s3:::bucket']))
  put(0.9, 'aws:SecureTransport', () => pick(['true', 'false']))
  return made
}

async function theirs(one) {
  const level = (policy, n) => ({ orgIdentifier: `ou-${n}`, policies: [{ name: `scp${n}`, policy }] })
  const answer = await runSimulation({
    request: { principal: one.principal, action: one.action, resource: { resource: one.resource, accountId: one.owner }, contextVariables: one.context },
    identityPolicies: one.identity.map((policy, n) => ({ name: `p${n}`, policy })),
    permissionBoundaryPolicies: one.boundary ? [{ name: 'boundary', policy: one.boundary }] : undefined,
    sessionPolicy: one.session,
    resourcePolicy: one.resource_policy,
    serviceControlPolicies: (one.service_control ?? []).map(level),
    resourceControlPolicies: [],
  }, {})
  if (answer.resultType === 'error') return `error ${JSON.stringify(answer.errors)}`
  if (answer.result?.ignoredContextKeys?.length) one.context = Object.fromEntries(
    Object.entries(one.context).filter(([key]) => !answer.result.ignoredContextKeys.some((name) => name.toLowerCase() === key.toLowerCase())))
  return { Allowed: 'Allow', ExplicitlyDenied: 'ExplicitDeny', ImplicitlyDenied: 'ImplicitDeny' }[answer.overallResult] ?? answer.overallResult
}

const child = spawn(judge, { stdio: ['pipe', 'pipe', 'inherit'] })
const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
const tally = {}
let disagreements = 0
for (let n = 0; n < count; n++) {
  const one = make()
  const wanted = await theirs(one)
  const line = JSON.stringify(one)
  child.stdin.write(`${line}\n`)
  const got = (await lines.next()).value
  tally[got] = (tally[got] ?? 0) + 1
  if (got !== wanted) {
    disagreements++
    if (disagreements <= 20) console.log(`ours ${got}, theirs ${wanted}: ${line}`)
  }
}
child.stdin.end()
console.log(`${count} cases of seed ${seed}: ${JSON.stringify(tally)}, ${disagreements} disagreements`)
process.exit(disagreements ? 1 : 0)
