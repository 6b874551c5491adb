// An application written with oauth4webapi, unmodified. Reads one JSON line of instructions, does what they say, and
// prints one JSON line of what came of it. Lines that begin with "open " ask the test to be the person.
import * as oauth from "oauth4webapi";
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => (await lines.next()).value;
const told = JSON.parse(await read());
const insecure = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(told.issuer);

const found = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure });
const server = await oauth.processDiscoveryResponse(issuer, found);
const client = { client_id: told.client_id };

async function proof() {
  if (told.private_key) {
    const key = await crypto.subtle.importKey(
      "jwk", told.private_key, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    return oauth.PrivateKeyJwt({ key, kid: told.private_key.kid });
  }
  if (told.client_secret) return oauth.ClientSecretBasic(told.client_secret);
  return oauth.None();
}

const authentication = await proof();
const DPoP = told.dpop ? oauth.DPoP(client, await oauth.generateKeyPair("ES256")) : undefined;
const options = { DPoP, ...insecure };

// A DPoP nonce is learnt from the first refusal (RFC 9449 section 8).
async function twice(ask, judge) {
  try {
    return await judge(await ask());
  } catch (error) {
    if (!DPoP || !oauth.isDPoPNonceError(error)) throw error;
    return await judge(await ask());
  }
}

async function byCode() {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const parameters = new URLSearchParams({
    client_id: client.client_id, redirect_uri: told.redirect_uri, response_type: "code", scope: told.scope, state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
  });
  const url = new URL(server.authorization_endpoint);
  if (told.push) {
    const pushed = await oauth.pushedAuthorizationRequest(server, client, authentication, parameters, options);
    const answer = await oauth.processPushedAuthorizationResponse(server, client, pushed);
    url.search = new URLSearchParams({ client_id: client.client_id, request_uri: answer.request_uri }).toString();
  } else {
    url.search = parameters.toString();
  }
  console.log(`open ${url.href}`);
  const back = oauth.validateAuthResponse(server, client, new URL(await read()), state);
  return twice(
    () => oauth.authorizationCodeGrantRequest(
      server, client, authentication, back, told.redirect_uri, verifier, options),
    (answer) => oauth.processAuthorizationCodeResponse(server, client, answer));
}

async function byClientCredentials() {
  return twice(
    () => oauth.clientCredentialsGrantRequest(
      server, client, authentication, new URLSearchParams({ scope: told.scope }), options),
    (answer) => oauth.processClientCredentialsResponse(server, client, answer));
}

async function byDevice() {
  const begun = await oauth.processDeviceAuthorizationResponse(server, client, await oauth.deviceAuthorizationRequest(
    server, client, authentication, new URLSearchParams({ scope: told.scope }), options));
  console.log(`open ${begun.verification_uri_complete}`);
  await read();
  return oauth.processDeviceCodeResponse(server, client, await oauth.deviceCodeGrantRequest(
    server, client, authentication, begun.device_code, options));
}

const tokens = await { code: byCode, client_credentials: byClientCredentials, device: byDevice }[told.grant]();

async function me(token) {
  const answer = await twice(
    () => oauth.protectedResourceRequest(token, "GET", new URL(`${told.issuer}/api/v1/me`), undefined, null, options),
    async (given) => given);
  return answer.json();
}

const result = { token_type: tokens.token_type, scope: tokens.scope, me: await me(tokens.access_token) };
let last = tokens;
if (tokens.refresh_token) {
  last = await twice(
    () => oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token, options),
    (answer) => oauth.processRefreshTokenResponse(server, client, answer));
  result.refreshed = (await me(last.access_token)).id;
  result.rotated = last.refresh_token !== undefined && last.refresh_token !== tokens.refresh_token;
}
if (told.client_secret) {
  const asked = await oauth.introspectionRequest(server, client, authentication, last.access_token, insecure);
  result.active = (await oauth.processIntrospectionResponse(server, client, asked)).active;
}
const ended = await oauth.revocationRequest(
  server, client, authentication, last.refresh_token ?? tokens.refresh_token ?? last.access_token, insecure);
await oauth.processRevocationResponse(ended);
try {
  result.after = (await me(last.access_token)).code;
} catch (error) {
  result.after = error.cause?.[0]?.parameters?.error ?? error.name;
}
console.log(JSON.stringify(result));
process.exit(0);
