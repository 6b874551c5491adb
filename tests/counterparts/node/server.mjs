// oidc-provider, unmodified: code with PKCE required, rotating refresh tokens, client credentials, revocation.
// Settings come as JSON in the environment variable COUNTERPART.
import http from 'node:http';
import Provider from 'oidc-provider';

const asked = JSON.parse(process.env.COUNTERPART);
const client = (client_id, token_endpoint_auth_method, grant_types) => ({
  client_id,
  client_secret: asked.client_secret,
  token_endpoint_auth_method,
  grant_types,
  redirect_uris: grant_types.includes('authorization_code') ? asked.redirect_uris : [],
  response_types: grant_types.includes('authorization_code') ? ['code'] : [],
});

const provider = new Provider(asked.issuer, {
  clients: [
    client('code-basic', 'client_secret_basic', ['authorization_code', 'refresh_token']),
    client('code-post', 'client_secret_post', ['authorization_code', 'refresh_token']),
    client('machine', 'client_secret_basic', ['client_credentials']),
  ],
  pkce: { required: () => true },
  scopes: ['openid', 'offline_access', 'read'],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  features: {
    clientCredentials: { enabled: true },
    revocation: { enabled: true },
    introspection: { enabled: true },
    devInteractions: { enabled: false },
  },
  rotateRefreshToken: true,
  issueRefreshToken: async () => true,
  ttl: { AccessToken: asked.lifetime, ClientCredentials: asked.lifetime, RefreshToken: 86400, Grant: 86400, Session: 86400, Interaction: 600 },
  findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, ...asked.person }) }),
  cookies: { keys: ['only-for-tests'] },
});

async function interaction(req, res) {
  const details = await provider.interactionDetails(req, res);
  if (req.method === 'GET') {
    res.setHeader('content-type', 'text/html');
    res.end(`<form method="post"><p>${details.prompt.name}</p><button>Go on</button></form>`);
    return;
  }
  let result;
  if (details.prompt.name === 'login') {
    result = { login: { accountId: 'ada' } };
  } else {
    const grant = new provider.Grant({ accountId: details.session.accountId, clientId: details.params.client_id });
    grant.addOIDCScope(details.params.scope);
    result = { consent: { grantId: await grant.save() } };
  }
  await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: true });
}

async function me(req, res) {
  const token = (req.headers.authorization ?? '').replace(/^Bearer /, '');
  const found = (await provider.AccessToken.find(token)) ?? (await provider.ClientCredentials.find(token));
  const good = found && found.isValid;
  res.writeHead(good ? 200 : 401, { 'content-type': 'application/json' });
  res.end(JSON.stringify(good ? { name: found.accountId ?? found.clientId, scope: found.scope } : { error: 'invalid_token' }));
}

const callback = provider.callback();
http.createServer((req, res) => {
  const path = new URL(req.url, asked.issuer).pathname;
  const handler = path === '/api/me' ? me : path.startsWith('/interaction/') ? interaction : null;
  if (!handler) return callback(req, res);
  return handler(req, res).catch((error) => { res.writeHead(500); res.end(String(error)); });
}).listen(new URL(asked.issuer).port, '127.0.0.1');
