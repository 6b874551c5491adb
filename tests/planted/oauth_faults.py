"""Faults of our own OAuth 2, each with the tests that must fail then."""

from __future__ import annotations

from tests.planted.fault import Fault, fault

OAUTH_FAULTS: tuple[Fault, ...] = (
    fault(
        "a-redirect-uri-may-go-on",
        "authserver/client_types.py",
        [("    if registered == given:\n", "    if given.startswith(registered):\n")],
        "web/oauth/test_authorize.py::test_a_redirect_uri_that_is_not_registered_leads_nowhere",
    ),
    fault(
        "a-redirect-uri-that-was-taken-away-counts",
        "authserver/authorize.py",
        [
            (
                "        _check_redirect(client, parameters)\n        return client, parameters\n",
                "        return client, parameters\n",
            )
        ],
        "web/oauth/test_authorize.py::test_a_redirect_uri_that_was_taken_away_meanwhile_leads_nowhere",
    ),
    fault(
        "a-plain-challenge-is-taken",
        "authserver/authorize.py",
        [('if parameters.get("code_challenge_method") != "S256":', "if False:")],
        "web/oauth/test_authorize.py::test_what_is_wrong_with_a_request_is_told_to_the_client",
    ),
    fault(
        "any-verifier-fits",
        "authserver/grants/code.py",
        [("if not hmac.compare_digest(made, code.code_challenge.encode()):", "if False:")],
        "web/oauth/test_token.py::test_a_code_is_not_redeemed_where_something_does_not_fit",
    ),
    fault(
        "a-verifier-without-challenge-is-taken",
        "authserver/grants/code.py",
        [("        if verifier:\n", "        if False:\n")],
        "web/oauth/test_token.py::test_a_code_without_challenge_takes_no_verifier",
    ),
    fault(
        "a-code-is-good-twice",
        "storage/grants.py",
        [
            (
                "unspent = (row.code_hash == code_hash, row.spent_at.is_(None), row.expires_at > now)",
                "unspent = (row.code_hash == code_hash, row.expires_at > now)",
            )
        ],
        "web/oauth/test_token.py::test_of_fifty_redemptions_at_once_one_succeeds_and_is_then_ended",
    ),
    fault(
        "a-code-shown-twice-ends-nothing",
        "authserver/grants/code.py",
        [("        await request.storage.revoke_grant(code.grant_id, told)\n", "        del told\n")],
        "web/oauth/test_token.py::test_the_second_use_of_a_code_ends_what_the_first_gave",
    ),
    fault(
        "a-reused-refresh-token-ends-nothing",
        "authserver/grants/refresh.py",
        [("    await request.storage.revoke_grant(holder.grant.id, told)\n", "    del told\n")],
        "web/oauth/test_token.py::test_a_refresh_token_used_after_its_successor_ends_the_family",
    ),
    fault(
        "the-grace-never-ends",
        "authserver/grants/refresh.py",
        [("request.now - holder.token.spent_at > GRACE", "False")],
        "web/oauth/test_token.py::test_a_lost_answer_may_be_asked_for_again_within_the_grace",
    ),
    fault(
        "a-lost-pair-goes-on",
        "storage/grants.py",
        [
            (
                '    await connection.execute(sa.delete(tokens).where(row.grant_id == spent.grant_id, row.kind == "access"))\n',
                "",
            )
        ],
        "web/oauth/test_token.py::test_a_lost_answer_may_be_asked_for_again_within_the_grace",
    ),
    fault(
        "what-was-ended-is-believed-for-long",
        "authserver/protect.py",
        [("REMEMBERED = timedelta(seconds=1)", "REMEMBERED = timedelta(seconds=10)")],
        "e2e/test_four_processes.py::test_what_one_process_ends_is_refused_by_the_others_within_a_second",
    ),
    fault(
        "callers-at-once-each-look-up",
        "single_flight.py",
        [("        task = self._tasks.get(key)\n", "        task = None\n")],
        "authserver/test_protect.py::test_callers_who_show_the_same_at_the_same_time_cause_one_look_up",
    ),
    fault(
        "a-look-up-brings-back-what-was-changed",
        "broker/lookup.py",
        [
            (
                "        if generation == self._generation:\n            self._keep(",
                "        if True:\n            self._keep(",
            )
        ],
        "broker/test_lookup.py::test_a_look_up_under_way_does_not_bring_back_what_was_changed",
    ),
    fault(
        "a-look-up-brings-back-an-older-credential",
        "broker/lookup.py",
        [("if old.authorization.version > authorization.version:", "if False:")],
        "broker/test_lookup.py::test_a_look_up_under_way_does_not_bring_back_an_older_credential",
    ),
    fault(
        "a-bound-token-opens-as-a-bearer-token",
        "authserver/protect.py",
        [("        if holder.token.key_thumbprint != thumbprint:\n", "        if False:\n")],
        "web/oauth/test_proofs.py::test_a_bound_token_is_worth_nothing_without_its_key",
    ),
    fault(
        "a-switched-off-client-goes-on",
        "authserver/protect.py",
        [("return not holder.client.disabled and (", "return (")],
        "web/oauth/test_token.py::test_a_token_of_a_client_that_is_off_opens_nothing_whatever_is_left_of_its_grant",
    ),
    fault(
        "a-proof-counts-again",
        "storage/clients.py",
        [
            (
                "        return await self._change(statement) == 1\n\n    async def _take",
                "        await self._change(statement)\n        return True\n\n    async def _take",
            )
        ],
        "web/oauth/test_proofs.py::test_a_proof_counts_once_and_needs_a_nonce_of_ours",
    ),
    fault(
        "an-assertion-for-others-is-taken",
        "authserver/proofs.py",
        [('    if claims.get("aud") != issuer:\n', '    if issuer not in str(claims.get("aud")):\n')],
        "web/oauth/test_proofs.py::test_an_assertion_that_is_not_for_us_is_refused",
    ),
    fault(
        "an-assertion-brings-its-key",
        "authserver/proofs.py",
        [
            (
                '    keys = (client.keys or {}).get("keys", [])\n',
                '    keys = [header["jwk"]] if "jwk" in header else (client.keys or {}).get("keys", [])\n',
            ),
            ('    if header.keys() & {"jwk", "jku", "x5u", "x5c"}:\n', "    if False:\n"),
        ],
        "web/oauth/test_proofs.py::test_forged_assertions_are_refused",
    ),
    fault(
        "a-consent-holds-for-whatever-it-says-now",
        "authserver/consent.py",
        [('    if shown != facts["shown"]:\n', "    if False:\n")],
        "web/oauth/test_authorize.py::test_what_changed_since_it_was_shown_is_asked_anew",
        "web/oauth/test_devices.py::test_a_client_that_changed_since_it_was_shown_is_asked_about_anew",
    ),
    fault(
        "other-developers-clients-are-seen",
        "authserver/clients.py",
        [
            (
                "if client is None or not (_is_administrator(actor) or client.created_by == actor.id):",
                "if client is None:",
            )
        ],
        "web/test_rights.py::test_the_page_is_what_every_route_answers_to_every_role",
    ),
    fault(
        "a-stranger-learns-that-a-grant-is-there",
        "authserver/clients.py",
        [
            (
                "        if not own and not _is_administrator(actor) and client.created_by != actor.id:\n            raise _no_such_grant()\n",
                '        if not own and not _is_administrator(actor) and client.created_by != actor.id:\n            raise AccessDenied("This grant is not yours.")\n',
            )
        ],
        "web/test_rights.py::test_the_page_is_what_every_route_answers_to_every_role",
    ),
    fault(
        "a-secret-outlives-its-overlap",
        "authserver/authentication.py",
        [("            if secret.expires_at is None or secret.expires_at > now\n", "")],
        "console/test_clients.py::test_a_secret_is_rotated_while_the_client_keeps_working",
    ),
    fault(
        "consent-is-given-in-a-frame",
        "web/site.py",
        [
            ("\"base-uri 'none'; frame-ancestors 'none'\"", "\"base-uri 'none'\""),
            ('            (b"x-frame-options", b"DENY"),\n', ""),
        ],
        "console/test_clients.py::test_the_consent_page_cannot_be_framed",
    ),
)
