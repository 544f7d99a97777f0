// An OpenID Connect provider with accounts of the tests: node provider.mjs PORT CLIENT_ORIGIN ACCOUNTS_JSON
//
// Its sign-in form takes any name that is an account, with any password. It prints one line once it listens.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const [port, origin, accounts] = [Number(process.argv[2]), process.argv[3], JSON.parse(process.argv[4])];
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [{
    client_id: "lab",
    client_secret: "a secret of the tests, long enough to be one",
    redirect_uris: [`${origin}/oauth2callback`],
    post_logout_redirect_uris: [`${origin}/oauth2callback`],
    response_types: ["code"],
    grant_types: ["authorization_code"],
  }],
  claims: { openid: ["sub"], email: ["email"], profile: ["name", "groups"] },
  conformIdTokenClaims: false, // groups stand in the ID token, as with Keycloak, Entra and Authentik
  cookies: { keys: ["of the tests"] },
  findAccount: (context, id) => id in accounts
    ? { accountId: id, claims: () => ({ sub: id, ...accounts[id] })}
    : undefined,
});
provider.on("server_error", (context, error) => console.error(error.stack));
createServer(provider.callback()).listen(port, "127.0.0.1", () => console.log(`listening ${issuer}`));
