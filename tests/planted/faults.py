"""Faults that the suite must catch: each takes one promise away, and names the tests that must fail then.

`tools/plant_faults.py` plants them one after the other in a copy of the tree. `text` stands in `file` exactly once.
"""

from __future__ import annotations

from tests.planted.fault import Fault, fault
from tests.planted.oauth_faults import OAUTH_FAULTS

__all__ = ["FAULTS", "Fault"]

CONNECT = "broker/test_connect.py"
INVOKE = "broker/test_invoke.py"
CALLS = "broker/test_recent_calls.py"
REFRESH = "broker/test_refresh.py"
GUESSING = "web/console/test_guessing.py"
PASSKEYS = "authserver/test_passkeys.py"
OPENID = "authserver/test_openid.py"
ID_TOKENS = "authserver/test_id_tokens.py"
LEASES = "storage/conformance/test_leases.py"

FAULTS: tuple[Fault, ...] = (
    *OAUTH_FAULTS,
    # --- consent: state, browser, person, service, issuer
    fault(
        "state-not-bound-to-the-browser",
        "broker/consent.py",
        [
            ('found = fingerprint("state", state, browser, service)', 'found = fingerprint("state", state, service)'),
            (
                'state_hash=fingerprint("state", state, browser, connection.service)',
                'state_hash=fingerprint("state", state, connection.service)',
            ),
            ("if state and browser:", "if state:"),
        ],
        f"{CONNECT}::test_callback_in_another_browser_is_refused",
    ),
    fault(
        "state-not-bound-to-the-service",
        "broker/consent.py",
        [
            ('found = fingerprint("state", state, browser, service)', 'found = fingerprint("state", state, browser)'),
            (
                'state_hash=fingerprint("state", state, browser, connection.service)',
                'state_hash=fingerprint("state", state, browser)',
            ),
        ],
        f"{CONNECT}::test_a_malicious_service_that_forwards_to_an_honest_one_gets_no_code",
        f"{CONNECT}::test_callback_at_another_services_path_is_refused",
    ),
    fault(
        "anybody-finishes-a-person-s-link",
        "broker/consent.py",
        [("if visitor.id != row.actor:", "if visitor is None:")],
        f"{CONNECT}::test_a_persons_link_cannot_be_finished_by_another_person",
    ),
    fault(
        "refused-callback-not-written-down",
        "broker/consent.py",
        [("        await self._storage.add_journal(Journal(activity=(entry,)))\n", "")],
        f"{CONNECT}::test_a_refused_callback_is_written_down_with_where_it_came_from",
    ),
    fault(
        "state-drawn-from-the-clock",
        "broker/consent.py",
        [
            (
                "state, verifier = draw_token(), draw_token()",
                "state, verifier = draw_token(), str(self._clock())[:16] * 3",
            )
        ],
        f"{CONNECT}::test_starts_never_share_a_state_a_challenge_or_a_redirect_id",
    ),
    fault(
        "callback-good-for-ever",
        "storage/pending.py",
        [(".where(row.state_hash == state_hash, row.expires_at > now)", ".where(row.state_hash == state_hash)")],
        f"{CONNECT}::test_callback_after_eleven_minutes_is_refused",
        "storage/conformance/test_pending.py",
    ),
    fault(
        "callback-works-twice",
        "storage/pending.py",
        [
            (
                "            sa.delete(pending_authorizations)\n            .where(row.state_hash == state_hash",
                "            sa.update(pending_authorizations).values(service=row.service)\n"
                "            .where(row.state_hash == state_hash",
            )
        ],
        f"{CONNECT}::test_callback_works_once",
    ),
    fault(
        "issuer-not-compared",
        "protocols/oauth2/authorize.py",
        [
            ('    _check_issuer(service, given.get("iss"))\n', ""),
        ],
        f"{CONNECT}::test_callback_of_another_issuer_spends_no_code",
        "protocols/oauth2/test_authorize.py",
    ),
    fault(
        "repeated-parameter-let-through",
        "protocols/callbacks.py",
        [("    if len(named) != len(parameters):\n", "    if False:\n")],
        "protocols/oauth2/test_authorize.py::test_callback_with_a_repeated_parameter_is_refused",
    ),
    fault(
        "pkce-plain",
        "protocols/oauth2/pkce.py",
        [('base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")', "verifier")],
        "protocols/oauth2/test_pkce.py",
    ),
    fault(
        "code-stays-in-the-address-bar",
        "web/pages.py",
        [
            (
                'Response(status_code=303, headers={"Location": location',
                'Response(status_code=307, headers={"Location": location',
            )
        ],
        "web/test_pages.py",
    ),
    fault(
        "head-uses-a-callback-up",
        "web/server.py",
        [('if method == "HEAD" and scope["path"].startswith("/api/"):', 'if method == "HEAD":')],
        "web/test_pages.py::test_only_get_uses_a_callback_up",
    ),
    fault(
        "provider-s-words-not-escaped",
        "web/pages.py",
        [("    autoescape=True,\n", "    autoescape=False,\n")],
        "web/test_pages.py",
    ),
    # --- OAuth 1.0a and client authentication
    fault(
        "callback-confirmed-not-asked-for",
        "protocols/oauth1/legs.py",
        [('if str(answer.get("oauth_callback_confirmed", "")).lower() != "true":', "if False:")],
        "broker/test_oauth1.py::test_a_third_party_that_does_not_confirm_the_callback_is_left",
    ),
    fault(
        "same-nonce-for-a-retry",
        "broker/invoke.py",
        [('nonce=draw_nonce() if signed else "",', 'nonce="0123456789abcdef" if signed else "",')],
        "broker/test_oauth1.py::test_every_attempt_has_a_nonce_of_its_own",
    ),
    fault(
        "clock-not-learnt",
        "broker/clocks.py",
        [("if response.status in _REFUSALS and self.learn(service, response):", "if False:")],
        "broker/test_oauth1.py::test_a_clock_that_is_off_is_learnt_in_every_leg",
    ),
    fault(
        "body-not-signed",
        "protocols/attach.py",
        [("hashed = service.signature_body_hash", "hashed = False")],
        "broker/test_oauth1.py::test_a_body_is_signed_where_the_service_asks_for_it",
    ),
    fault(
        "plaintext-over-http",
        "protocols/oauth1/signing.py",
        [('if service.signature_method == "PLAINTEXT" and not', 'if service.signature_method == "NONE" and not')],
        "broker/test_oauth1.py::test_plaintext_over_plain_http_sends_nothing",
    ),
    fault(
        "client-secret-not-encoded-in-basic",
        "protocols/oauth2/clients.py",
        [("quote_plus(client.client_id), quote_plus(client.client_secret)", "client.client_id, client.client_secret")],
        "protocols/oauth2/test_clients.py",
        f"{CONNECT}::test_each_mode_connects_and_calls",
    ),
    # --- refresh
    fault(
        "refresh-after-the-wait-without-the-lease",
        "broker/refresh.py",
        [
            (
                "return _old_or_later(row, now + timedelta(seconds=2), now, forced=forced)\n            await asyncio.sleep",
                "return await self._spend(row, forced=forced)\n            await asyncio.sleep",
            )
        ],
        f"{REFRESH}::test_a_caller_whose_wait_for_another_holder_is_over_comes_back_later_and_spends_nothing",
    ),
    fault(
        "lease-not-asked-for",
        "storage/leases.py",
        [(".where(sa.or_(row.lease_until.is_(None), row.lease_until <= now))\n            .values(", ".values(")],
        LEASES,
    ),
    fault(
        "pair-committed-over-a-newer-one",
        "storage/leases.py",
        [
            (", row.refresh_token_hash.is_not_distinct_from(used_hash)]", "]"),
            ("if used_hash is None or not rotated:", "if False:"),
        ],
        LEASES,
        f"{REFRESH}::test_a_manual_reconnect_during_a_refresh_wins",
    ),
    fault(
        "intent-not-written-before-sending",
        "storage/leases.py",
        [("attempt_hash=row.refresh_token_hash,", "attempt_hash=None,")],
        LEASES,
    ),
    fault(
        "token-and-expiry-written-apart",
        "broker/renewal.py",
        [
            (
                '            **issue_columns(attempt.resolved.service, answer, key=key, now=now),\n            "credential_sealed"',
                '            "credential_sealed"',
            ),
        ],
        f"{REFRESH}::test_ten_calls_on_a_token_that_is_due_cause_exactly_one_refresh",
        f"{REFRESH}::test_two_hundred_callers_with_an_ended_token_cause_one_refresh",
    ),
    fault(
        "kept-refresh-token-forgotten",
        "protocols/oauth2/token.py",
        [("refresh_token=refresh_token or previous_refresh_token,", "refresh_token=refresh_token,")],
        f"{REFRESH}::test_no_refresh_token_in_the_answer_keeps_the_old_one",
        "protocols/oauth2/test_token_answer.py",
    ),
    fault(
        "garbage-taken-for-a-token",
        "protocols/oauth2/token.py",
        [("if not _is_token(access_token):", "if access_token is None:")],
        "protocols/oauth2/test_token_garbage.py",
    ),
    fault(
        "retry-after-ignored",
        "broker/renewal.py",
        [("seconds = failure.retry_after_seconds\n", "seconds = None\n")],
        f"{REFRESH}::test_retry_after_of_the_token_endpoint_is_obeyed",
    ),
    fault(
        "dead-grant-asked-for-ever",
        "broker/refresh.py",
        [
            ('        if authorization.state == "needs_person":\n            raise needs_person(authorization)\n', ""),
            ('            if row.state == "needs_person":\n                raise needs_person(row)\n', ""),
        ],
        f"{REFRESH}::test_a_revoked_grant_is_reported_once_and_the_endpoint_then_left_alone",
    ),
    fault(
        "missing-expiry-means-for-ever-new",
        "protocols/oauth2/token.py",
        [
            (
                "    if expires_at is None and rules.default_expires_in is not None:\n"
                "        expires_at = received_at + timedelta(seconds=rules.default_expires_in)\n",
                "    expires_at = expires_at or received_at + timedelta(seconds=3600)\n",
            )
        ],
        "protocols/oauth2/test_token_answer.py",
    ),
    # --- where a credential goes
    fault(
        "is-global-as-the-guard",
        "outbound/policy.py",
        [
            (
                "    address = plain_address(address)\n    if isinstance(address, ipaddress.IPv4Address):",
                "    return address.is_global\n    if isinstance(address, ipaddress.IPv4Address):",
            )
        ],
        "outbound/test_addresses.py",
    ),
    fault(
        "one-public-address-is-enough",
        "outbound/policy.py",
        [("if not all(fine or is_public(address)", "if not any(fine or is_public(address)")],
        "outbound/test_addresses.py::test_one_internal_address_refuses_the_whole_name",
    ),
    fault(
        "addresses-not-looked-at-when-dialling",
        "outbound/pool.py",
        [("excepted = self._policy.judge(lane.origin.host, addresses)", "excepted = True")],
        "broker/test_destinations.py",
        "outbound/test_addresses.py::test_a_name_that_leads_to_an_internal_address_is_never_dialled",
    ),
    fault(
        "internal-address-saved-in-a-service",
        "broker/services.py",
        [
            (
                '                self._check_url(url.partition("#")[0] if name == "authorize_url" else url)\n',
                "                pass\n",
            )
        ],
        "broker/test_destinations.py::test_a_service_is_not_saved_with_an_internal_address_in_any_url",
    ),
    fault(
        "suffix-without-a-dot",
        "outbound/target.py",
        [('origin.host.endswith("." + host) if wild', "origin.host.endswith(host) if wild")],
        "outbound/test_target.py",
    ),
    fault(
        "allow-list-missing-on-invoke",
        "broker/invoke.py",
        [
            ("            self.outbound.check(url, service.hosts)\n", ""),
            (
                "            request = build_request(service, call)\n"
                "            target = self.outbound.check(request.url, service.hosts)\n",
                "            request = build_request(service, call)\n"
                "            target = self.outbound.check(request.url, None)\n",
            ),
            (
                "return await self.outbound.send(attached, hosts=entry.resolved.service.hosts, wrote=wrote)",
                "return await self.outbound.send(attached, hosts=None, wrote=wrote)",
            ),
        ],
        f"{INVOKE}::test_no_url_takes_the_credential_elsewhere",
    ),
    fault(
        "allow-list-missing-on-redirects",
        "broker/invoke.py",
        [
            (
                "self.outbound.next_hop(request, response, entry.resolved.service.hosts)",
                "self.outbound.next_hop(request, response, None)",
            ),
            (
                "self.outbound.check(request.url, entry.resolved.service.hosts).path",
                "self.outbound.check(request.url, None).path",
            ),
            (
                "response = await self.outbound.send(request, hosts=entry.resolved.service.hosts)",
                "response = await self.outbound.send(request, hosts=None)",
            ),
        ],
        f"{INVOKE}::test_a_redirect_outside_the_hosts_is_refused",
    ),
    fault(
        "redirect-carries-the-credential",
        "broker/invoke.py",
        [("            if hop.same_origin:\n", "            if hop:\n")],
        f"{INVOKE}::test_a_redirect_never_carries_the_credential_to_another_origin",
        "broker/test_redirects.py",
    ),
    fault(
        "redirect-carries-every-header-but-the-known",
        "outbound/redirects.py",
        [("if pair[0].lower() in _SAFE_ELSEWHERE", "if pair[0].lower() not in _CREDENTIALS")],
        f"{INVOKE}::test_a_redirect_never_carries_the_credential_to_another_origin",
    ),
    fault(
        "redirects-without-end",
        "broker/invoke.py",
        [("for _ in range(self._settings.redirects):", "for _ in range(40):")],
        "broker/test_redirects.py",
    ),
    fault(
        "https-becomes-http",
        "outbound/sender.py",
        [('if here.scheme == "https" and target.scheme != "https":', "if False:")],
        "outbound/test_redirects.py::test_https_never_becomes_http_even_where_http_is_allowed",
    ),
    fault(
        "policy-not-looked-at",
        "broker/invoke.py",
        [
            (
                "            check_policy(entry.connection, service, request.method, target.path)\n            pages = 0\n",
                "            pages = 0\n",
            )
        ],
        f"{INVOKE}::test_the_policy_limits_methods_and_paths",
    ),
    fault(
        "dot-segments-let-through",
        "outbound/target.py",
        [('if ("." in path or "%" in path) and (', "if False and (")],
        "broker/test_destinations.py::test_no_proxied_path_leaves_the_base_url",
        "outbound/test_target.py",
    ),
    # --- what travels
    fault(
        "line-breaks-let-through",
        "outbound/headers.py",
        [
            (
                '_CONTROL = re.compile(r"[\\x00-\\x08\\x0a-\\x1f\\x7f\\ud800-\\udfff]")',
                '_CONTROL = re.compile(r"[\\x00]")',
            ),
            ("if _HEAD_CONTROL.search(text) or text.count", "if False and text.count"),
        ],
        "outbound/test_headers.py::test_a_value_with_a_control_character_sends_nothing",
        f"{INVOKE}::test_no_header_breaks_out",
    ),
    fault(
        "framing-left-to-the-caller",
        "outbound/headers.py",
        [('if lower in FRAMING or lower.startswith("proxy-") or "_" in lower:', "if False:")],
        f"{INVOKE}::test_no_header_breaks_out",
        "outbound/test_headers.py",
    ),
    fault(
        "hop-by-hop-names-travel",
        "outbound/headers.py",
        [("    if listed:\n        kept", "    if not listed:\n        kept")],
        "outbound/test_headers.py::test_a_proxied_request_leaves_hop_by_hop_and_our_own_headers_behind",
    ),
    fault(
        "third-party-sets-our-cookies",
        "outbound/headers.py",
        [('{"set-cookie", "set-cookie2", "www-authenticate"', '{"set-cookie2", "www-authenticate"')],
        "outbound/test_headers.py::test_an_answer_to_the_proxy_changes_nothing_about_our_own_origin",
    ),
    fault(
        "bomb-not-cut",
        "outbound/decoding.py",
        [
            ("        if self._limit is not None and self._decoded > self._limit:", "        if False:"),
            ("if self._stages and self._decoded > max(", "if self._stages and self._decoded > 1e9 + max("),
        ],
        "outbound/test_limits.py::test_a_bomb_is_cut_at_the_cap",
    ),
    fault(
        "wire-bytes-not-counted",
        "outbound/sender.py",
        [("if limits.wire_bytes is not None and wire > limits.wire_bytes:", "if False:")],
        "outbound/test_limits.py::test_an_endless_body_is_cut_at_the_wire_cap",
        "outbound/test_limits.py::test_the_wire_cap_is_exact",
    ),
    fault(
        "headers-not-counted",
        "outbound/wire.py",
        [("self._header_count > limits.headers or self._header_bytes > HEAD_BYTES", "False")],
        "outbound/test_limits.py::test_too_many_or_too_large_headers_are_cut",
    ),
    fault(
        "drip-not-ended",
        "outbound/wire.py",
        [("        if self._deadline <= now:\n", "        if self._deadline <= 0:\n")],
        "outbound/test_limits.py::test_a_drip_ends_at_the_deadline",
    ),
    fault(
        "certificates-not-verified",
        "outbound/tls.py",
        [
            (
                "    context.minimum_version = ssl.TLSVersion.TLSv1_2\n",
                "    context.check_hostname = False\n    context.verify_mode = ssl.CERT_NONE\n"
                "    context.minimum_version = ssl.TLSVersion.TLSv1_2\n",
            )
        ],
        "outbound/test_tls.py",
    ),
    fault(
        "host-name-of-a-certificate-not-compared",
        "outbound/tls.py",
        [
            (
                "    context.minimum_version = ssl.TLSVersion.TLSv1_2\n",
                "    context.check_hostname = False\n    context.minimum_version = ssl.TLSVersion.TLSv1_2\n",
            )
        ],
        "outbound/test_tls.py::test_another_hosts_certificate_is_refused",
    ),
    fault(
        "old-tls-accepted",
        "outbound/tls.py",
        [
            (
                "    context.minimum_version = ssl.TLSVersion.TLSv1_2\n",
                '    context.minimum_version = ssl.TLSVersion.TLSv1\n    context.set_ciphers("ALL:@SECLEVEL=0")\n',
            )
        ],
        "outbound/test_tls.py::test_an_old_protocol_version_is_refused",
    ),
    # --- secrets at rest
    fault(
        "no-associated-data",
        "vault/seal.py",
        [('    return _lengths_first(table, row, field) + struct.pack(">I", version)\n', '    return b""\n')],
        "vault/test_seal.py",
    ),
    fault(
        "one-key-for-every-place",
        "vault/seal.py",
        [("_PURPOSE + _lengths_first(table, row, field))", "_PURPOSE)")],
        "vault/test_seal.py::test_each_place_has_a_key_of_its_own",
    ),
    fault(
        "seals-open-anywhere",
        "vault/seal.py",
        [
            ('    return _lengths_first(table, row, field) + struct.pack(">I", version)\n', '    return b""\n'),
            ("_PURPOSE + _lengths_first(table, row, field))", "_PURPOSE)"),
        ],
        "e2e/test_tampering.py::test_a_damaged_or_moved_secret_is_an_error_and_an_alarm",
    ),
    fault(
        "wrong-key-not-named",
        "vault/seal.py",
        [("if entry.key_id != provider.key_id:", "if False:")],
        "vault/test_seal.py::test_a_wrong_key_is_refused_with_both_names",
    ),
    fault(
        "lost-key-replaced-by-a-new-one",
        "app/building.py",
        [("allow_create=not keys", "allow_create=True")],
        "e2e/test_tampering.py::test_a_missing_key_refuses_to_start_and_makes_no_new_one",
    ),
    fault(
        "broken-seal-without-alarm",
        "app/broker.py",
        [("        self._vault.watch(alarm.broken)\n", "")],
        "e2e/test_tampering.py::test_a_damaged_or_moved_client_secret_is_an_error_and_an_alarm",
    ),
    fault(
        "key-file-for-everybody",
        "vault/keys.py",
        [("        if mode & 0o077:", "        if False:")],
        "vault/test_keys.py::test_a_file_that_others_may_read_is_refused_with_the_remedy",
    ),
    # --- recent calls
    fault(
        "recent-calls-show-the-credential",
        "broker/withholding.py",
        [("if not is_ours and (lower in _SHOWN or", 'if (lower == "authorization" or lower in _SHOWN or')],
        f"{CALLS}::test_the_attached_credential_is_named_and_never_shown",
    ),
    fault(
        "recent-calls-show-every-header",
        "broker/withholding.py",
        [("if not is_ours and (lower in _SHOWN or", "if not is_ours and (lower or")],
        f"{CALLS}::test_a_call_says_what_was_sent_and_what_came_and_withholds_what_could_be_secret",
        "broker/test_withholding.py::test_a_header_that_is_not_known_to_be_harmless_is_named_and_withheld",
    ),
    fault(
        "body-kept-though-the-switch-is-off",
        "broker/call_record.py",
        [("        if self.keeps:\n            self.sent", "        if True:\n            self.sent")],
        f"{CALLS}::test_no_body_is_kept_unless_the_policy_says_so",
    ),
    fault(
        "body-kept-though-it-was-switched-off-meanwhile",
        "storage/journal.py",
        [('if there[row["connection_id"]] else', "if row else")],
        "storage/conformance/test_journal.py::test_a_body_that_comes_after_the_policy_changed_is_left_out",
        f"{CALLS}::test_switching_it_off_removes_what_was_kept_and_what_is_still_to_be_written",
    ),
    fault(
        "bodies-outlive-their-switch",
        "storage/connections.py",
        [("if not connection.policy.keep_bodies:", "if False:")],
        "storage/conformance/test_journal.py::test_bodies_go_when_the_policy_keeps_none_any_more_and_the_calls_stay",
        f"{CALLS}::test_switching_it_off_removes_what_was_kept_and_what_is_still_to_be_written",
    ),
    fault(
        "body-stored-unsealed",
        "broker/call_record.py",
        [("self._vault.seal(json.dumps(bodies).encode(), **_place(id))", "json.dumps(bodies).encode()")],
        f"{CALLS}::test_bodies_are_kept_redacted_and_sealed_where_the_policy_says_so",
    ),
    fault(
        "body-kept-with-the-credential-in-it",
        "broker/call_record.py",
        [("hidden.and_also((*_values(entry),", "Hidden((*(),")],
        f"{CALLS}::test_bodies_are_kept_redacted_and_sealed_where_the_policy_says_so",
        f"{CALLS}::test_a_form_is_kept_as_it_was_sent",
    ),
    # --- who sees and may do what, and what is written down
    fault(
        "activity-quotes-the-password",
        "broker/keeping.py",
        [
            (
                'details = {"connected_as": row.connected_as, "user": grant.draft.resource_owner or None}',
                'details = {"connected_as": row.connected_as, "user": getattr(grant.credential, "password", None)}',
            )
        ],
        "e2e/test_secrets.py::test_no_answer_shows_a_secret_to_anybody",
    ),
    fault(
        "client-secret-kept-in-the-document",
        "catalog/definition.py",
        [('rest = {key: value for key, value in given.items() if key != "client_secret"}', "rest = dict(given)")],
        "catalog/test_definition.py::test_the_secret_is_split_off_and_never_part_of_a_service",
    ),
    fault(
        "lease-without-leave",
        "broker/invoke.py",
        [("if not entry.connection.policy.credential_export:", "if False:")],
        f"{INVOKE}::test_a_lease_needs_the_policys_leave_and_is_written_down_first",
    ),
    fault(
        "lease-though-it-cannot-be-written-down",
        "broker/invoke.py",
        [
            (
                "        await self._tell_of_lease(actor, entry)\n",
                "        try:\n            await self._tell_of_lease(actor, entry)\n        except IsthmusError:\n"
                "            pass\n",
            )
        ],
        f"{INVOKE}::test_what_cannot_be_written_down_is_not_done",
    ),
    fault(
        "activity-as-far-as-possible",
        "storage/entries.py",
        [
            (
                "        await connection.execute(sa.insert(activity), [with_id(row_of(entry)) for entry in journal.activity])\n",
                "        try:\n            await connection.execute("
                "sa.insert(activity), [with_id(row_of(entry)) for entry in journal.activity])\n"
                "        except sa.exc.DBAPIError:\n            pass\n",
            )
        ],
        f"{INVOKE}::test_what_cannot_be_written_down_is_not_done",
    ),
    fault(
        "limited-key-sees-everything",
        "broker/access.py",
        [("return actor.connections is None or link_name in actor.connections", "return True")],
        "broker/test_directory.py::test_a_key_for_other_connections_sees_nothing_of_this_one",
    ),
    fault(
        "members-manage",
        "broker/access.py",
        [('"services.manage": _ADMINISTRATORS,', '"services.manage": _EVERYBODY,')],
        "broker/test_directory.py::test_only_an_administrator_manages_services_and_connections",
    ),
    fault(
        "revoked-key-lives-on",
        "authserver/protect.py",
        [("if key is None or key.revoked_at is not None or", "if key is None or")],
        "authserver/test_protect.py",
    ),
    # --- signing in
    fault(
        "unknown-person-answered-sooner",
        "authserver/passwords.py",
        [
            (
                "        async with self._room:\n            matches =",
                "        async with self._room:\n            if stored is None:\n                return False\n            matches =",
            )
        ],
        f"{GUESSING}::test_the_time_of_an_answer_does_not_tell_whether_somebody_is_known",
    ),
    fault(
        "person-switched-off-told-as-such",
        "authserver/accounts.py",
        [
            (
                '            await self._sessions.refuse(user, visit.address, "password")\n',
                "            if user is not None and user.disabled:\n                raise no_such_user()\n",
            )
        ],
        f"{GUESSING}::test_an_answer_does_not_tell_whether_somebody_is_known",
    ),
    fault(
        "each-spelling-counted-apart",
        "authserver/attempts.py",
        [('    folded = unicodedata.normalize("NFKC", account).strip().casefold()', "    folded = account")],
        f"{GUESSING}::test_every_spelling_of_an_address_is_one_account",
    ),
    fault(
        "known-browser-counted-as-a-stranger",
        "authserver/accounts.py",
        [("        known = self._known.recognise(visit.mark, email)", '        known = ""')],
        f"{GUESSING}::test_a_thousand_wrong_passwords_are_limited_and_do_not_lock_the_owner_out",
    ),
    fault(
        "browser-known-for-every-account",
        "authserver/known_browsers.py",
        [('f"{account_key(account)} {body}".encode()', "body.encode()")],
        f"{GUESSING}::test_a_known_browser_has_few_guesses_too_and_a_mark_of_another_account_none_more",
    ),
    fault(
        "new-password-leaves-applications-their-access",
        "authserver/accounts.py",
        [("            await self._storage.revoke_grants(Journal(), user_id=user_id)\n", "            pass\n")],
        "authserver/test_sessions.py::test_a_new_password_ends_the_other_sessions_and_what_applications_hold",
    ),
    fault(
        "code-outlives-the-end-of-all-access",
        "storage/grants.py",
        [
            (
                "            await connection.execute(delete_from(authorization_codes).where(authorization_codes.c.spent_at.is_(None)))\n",
                "",
            )
        ],
        "storage/conformance/test_grants.py::test_what_was_agreed_to_and_not_yet_fetched_ends_with_the_grants",
    ),
    fault(
        "confirmation-holds-for-ever",
        "authserver/sessions.py",
        [("confirmed is None or self._clock() - confirmed > CONFIRMED_FOR", "confirmed is None")],
        "authserver/test_sessions.py::test_a_confirmation_holds_for_ten_minutes_in_one_browser",
    ),
    fault(
        "passkey-answer-from-any-origin",
        "authserver/webauthn.py",
        [("        return origin == self.origin", "        return bool(origin)")],
        f"{PASSKEYS}::test_an_answer_that_is_untrue_in_one_point_signs_nobody_in",
    ),
    fault(
        "passkey-without-verification-of-the-person",
        "authserver/webauthn.py",
        [("UserVerificationRequirement.REQUIRED}", "UserVerificationRequirement.PREFERRED}")],
        f"{PASSKEYS}::test_an_answer_that_is_untrue_in_one_point_signs_nobody_in",
    ),
    fault(
        "passkey-answer-in-a-foreign-frame",
        "authserver/webauthn.py",
        [("    if cross_origin not in (None, False):", "    if cross_origin is None:")],
        f"{PASSKEYS}::test_an_answer_that_is_untrue_in_one_point_signs_nobody_in",
    ),
    fault(
        "passkey-answer-names-any-account",
        "authserver/webauthn.py",
        [("        if answer.user_handle != user_handle:", "        if user_handle is None:")],
        f"{PASSKEYS}::test_an_answer_that_is_untrue_in_one_point_signs_nobody_in",
    ),
    fault(
        "challenge-counts-twice",
        "authserver/challenges.py",
        [("        if not await self._storage.note_proof(mark, expires_at=until):", "        if not mark:")],
        f"{PASSKEYS}::test_an_answer_counts_once_soon_and_in_the_browser_that_asked",
    ),
    fault(
        "challenge-of-any-browser",
        "authserver/challenges.py",
        [('parts = (purpose.encode(), browser.encode("utf-8", "replace"), body)', "parts = (purpose.encode(), body)")],
        f"{PASSKEYS}::test_an_answer_counts_once_soon_and_in_the_browser_that_asked",
    ),
    fault(
        "challenge-for-any-purpose",
        "authserver/challenges.py",
        [
            (
                'parts = (purpose.encode(), browser.encode("utf-8", "replace"), body)',
                'parts = (browser.encode("utf-8", "replace"), body)',
            )
        ],
        f"{PASSKEYS}::test_a_challenge_that_was_drawn_for_registering_signs_nobody_in",
    ),
    fault(
        "copied-passkey-taken",
        "authserver/passkeys.py",
        [
            (
                "        if answer.sign_count <= passkey.sign_count and (answer.sign_count or passkey.sign_count):",
                "        if answer.sign_count < 0:",
            )
        ],
        f"{PASSKEYS}::test_a_count_that_goes_back_tells_of_a_copy",
    ),
    fault(
        "passkey-of-a-person-switched-off-taken",
        "authserver/passkeys.py",
        [
            (
                "        if passkey is None or user is None or user.disabled:",
                "        if passkey is None or user is None:",
            )
        ],
        f"{PASSKEYS}::test_a_passkey_that_is_not_known_and_one_of_a_person_switched_off_are_told_alike",
    ),
    fault(
        "passkey-added-without-a-confirmation",
        "authserver/passkeys.py",
        [
            (
                "        await self._sessions.require_confirmed(session_token)\n        called,",
                "        called,",
            )
        ],
        f"{PASSKEYS}::test_a_registration_needs_a_confirmation_and_its_own_challenge",
    ),
    fault(
        "account-taken-over-by-its-address",
        "authserver/openid.py",
        [("        if not self._settings.openid_link_by_email:", "        if email is None:")],
        f"{OPENID}::test_an_address_alone_does_not_take_an_account_over",
    ),
    fault(
        "address-that-is-not-verified-taken",
        "authserver/openid.py",
        [('        if claims.get("email_verified") is not True:', '        if not claims.get("email"):')],
        f"{OPENID}::test_an_address_that_is_not_verified_opens_nothing_however_it_is_linked",
    ),
    fault(
        "domain-compared-by-its-end",
        "authserver/openid.py",
        [
            (
                'if domains and email.rpartition("@")[2] not in domains:',
                "if domains and not email.endswith(tuple(domains)):",
            )
        ],
        f"{OPENID}::test_with_a_role_set_people_of_the_domains_alone_get_an_account",
    ),
    fault(
        "person-known-by-subject-in-any-case",
        "authserver/openid.py",
        [
            (
                '        issuer, subject = self._asked().issuer, str(claims["sub"])\n',
                '        issuer, subject = self._asked().issuer, str(claims["sub"]).lower()\n',
            )
        ],
        f"{OPENID}::test_a_person_is_known_by_issuer_and_subject_whatever_the_address_is_now",
    ),
    fault(
        "attempt-to-link-finished-by-anybody",
        "authserver/openid.py",
        [('    return f"openid link of {linking.id}" if linking else _SIGN_IN', "    return _SIGN_IN")],
        f"{OPENID}::test_an_attempt_to_link_signs_nobody_in_and_links_only_for_who_began_it",
    ),
    fault(
        "answer-of-another-issuer-redeemed",
        "authserver/openid.py",
        [("        if issuer not in (None, provider.issuer):", "        if issuer == 0:")],
        f"{OPENID}::test_an_answer_of_another_issuer_does_not_reach_the_token_endpoint",
    ),
    fault(
        "missing-issuer-not-minded",
        "authserver/openid.py",
        [("        if issuer is None and (await provider.metadata()).promises_issuer:", "        if issuer == 0:")],
        f"{OPENID}::test_an_answer_of_another_issuer_does_not_reach_the_token_endpoint",
    ),
    fault(
        "metadata-of-another-issuer-taken",
        "authserver/openid_provider.py",
        [('        if found.get("issuer") != self.issuer:', '        if not found.get("issuer"):')],
        f"{OPENID}::test_metadata_that_does_not_hold_sends_nobody_anywhere",
    ),
    fault(
        "userinfo-of-somebody-else-taken",
        "authserver/openid_provider.py",
        [('        if said.get("sub") != claims["sub"]:', '        if not said.get("sub"):')],
        f"{OPENID}::test_an_address_may_come_from_the_userinfo_of_the_same_person",
    ),
    fault(
        "keys-read-for-every-forgery",
        "authserver/openid_provider.py",
        [("judge(await self._published_keys(PAUSE))", "judge(await self._published_keys(timedelta(0)))")],
        f"{OPENID}::test_keys_are_read_again_for_one_that_is_new_and_not_for_every_forgery",
    ),
    fault(
        "id-token-of-another-attempt-taken",
        "authserver/id_tokens.py",
        [
            (
                "    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):",
                "    if not given:",
            )
        ],
        f"{ID_TOKENS}::test_a_token_that_is_wrong_in_one_claim_is_refused",
    ),
    fault(
        "id-token-of-another-client-taken",
        "authserver/id_tokens.py",
        [("    if client_id not in audience:", "    if not audience:")],
        f"{ID_TOKENS}::test_a_token_that_is_wrong_in_one_claim_is_refused",
    ),
    fault(
        "expired-id-token-taken",
        "authserver/id_tokens.py",
        [("    if expires + SKEW_SECONDS <= now:", "    if expires <= 0:")],
        f"{ID_TOKENS}::test_a_token_that_is_wrong_in_one_claim_is_refused",
    ),
    fault(
        "id-token-issuer-not-compared",
        "authserver/id_tokens.py",
        [('    if claims.get("iss") != issuer:', '    if not claims.get("iss"):')],
        f"{ID_TOKENS}::test_a_token_that_is_wrong_in_one_claim_is_refused",
    ),
    fault(
        "key-for-encryption-verifies",
        "authserver/id_tokens.py",
        [('key.get("use", "sig") == "sig" and ', "")],
        f"{ID_TOKENS}::test_a_key_that_is_not_published_is_told_apart_so_that_the_keys_are_read_again",
    ),
    fault(
        "unexpected-error-tells-its-text",
        "web/logs.py",
        [("error=_name(error), places=places(error), **fields)", "error=repr(error), places=places(error), **fields)")],
        "e2e/test_secrets.py::test_a_forced_fault_shows_no_secret_anywhere",
        "web/test_errors.py",
    ),
    fault(
        "database-error-quotes-the-values",
        "storage/engine.py",
        [
            (
                "max_overflow=0,\n        pool_reset_on_return=None,\n        hide_parameters=True,",
                "max_overflow=0,\n        pool_reset_on_return=None,\n        hide_parameters=False,",
            )
        ],
        "storage/test_engine.py::test_an_error_of_the_driver_quotes_no_value",
    ),
    fault(
        "query-values-in-call-records",
        "outbound/redact.py",
        [('_VALUE.sub("=***", query)', "query")],
        "outbound/test_redact.py",
        f"{INVOKE}::test_recent_calls_hold_no_query_values",
    ),
    fault(
        "two-credentials-accepted",
        "web/credentials.py",
        [("    if len(shown) > 1:\n", "    if len(shown) > 9:\n")],
        "web/test_credentials.py",
    ),
    fault(
        "form-from-elsewhere-accepted",
        "web/origin.py",
        [("    if foreign or not proven:\n", "    if False:\n")],
        "web/test_pages.py::test_a_form_from_elsewhere_is_refused",
    ),
    # --- durability
    fault(
        "commits-not-synced",
        "storage/engine.py",
        [("PRAGMA synchronous = FULL", "PRAGMA synchronous = OFF")],
        "storage/test_engine.py",
    ),
    fault(
        "acknowledged-before-it-is-stored",
        "storage/group.py",
        [
            ("from collections.abc import Sequence\n", "import asyncio\nfrom collections.abc import Sequence\n"),
            (
                "            await write_journal(connection, journal)\n            return True\n\n",
                "            await write_journal(connection, journal)\n            return True\n\n"
                "        async def later() -> None:\n            await asyncio.sleep(0.3)\n"
                "            await self._database.write(work)\n\n"
                "        if statement.is_insert and statement.table.name == 'connections':\n"
                "            asyncio.ensure_future(later())\n            return True\n",
            ),
        ],
        "e2e/test_durability.py::test_every_acknowledged_write_survives_kill_9",
    ),
    # --- durable runs and triggers
    fault(
        "answered-call-made-again",
        "broker/runs/journey.py",
        [('        if note.state == "answered" and note.answer_sealed is not None:\n', "        if not note:\n")],
        "broker/runs/test_ending.py::test_a_process_that_ends_with_the_answer_written_down_has_asked_for_all",
    ),
    fault(
        "call-of-unknown-fate-made-again",
        "broker/runs/fate.py",
        [("    return any(str(name).lower() in keys for name in _headers(call))\n", "    return True\n")],
        "broker/runs/test_fate.py",
        "broker/runs/test_queue.py::test_a_post_of_unknown_fate_is_not_made_again_and_says_so",
    ),
    fault(
        "call-made-though-the-lease-is-lost",
        "broker/runs/journey.py",
        [("        if not held.is_ours():\n", "        if held is None:\n")],
        "broker/runs/test_queue.py::test_whoever_lost_the_lease_makes_no_call",
    ),
    fault(
        "ended-run-leased-again",
        "storage/run_leases.py",
        [("row.id.in_(kept), row.lease_until.is_not(None))", "row.id.in_(kept))")],
        "storage/conformance/test_run_leases.py::test_a_run_that_has_ended_or_was_put_down_gets_no_lease_again",
    ),
    fault(
        "webhook-signature-not-judged",
        "broker/triggers/hooks.py",
        [
            (
                'style = trigger.signature if live and trigger is not None else "github"',
                'style = "none" if live else "github"',
            )
        ],
        "broker/triggers/test_hooks.py::test_a_delivery_that_is_not_signed_by_the_sender_starts_nothing",
    ),
    fault(
        "webhook-url-in-the-log",
        "web/server.py",
        [('"/connect/", "/setup/", "/api/v1/hooks/"', '"/connect/", "/setup/"')],
        "web/test_triggers.py::test_the_url_of_a_webhook_is_in_no_log_line",
    ),
    fault(
        "due-time-fired-by-each-process",
        "storage/triggers.py",
        [(", row.next_at == trigger.next_at)", ")")],
        "broker/triggers/test_schedule.py::test_a_due_time_is_fired_once_however_many_processes_look",
    ),
    fault(
        "every-failure-an-alert",
        "broker/alerts/book.py",
        [('    return fingerprint("alert", subject,', '    return fingerprint("alert", occurrence.id, subject,')],
        "broker/alerts/test_telling.py::test_thirty_failures_of_one_cause_are_one_alert_and_its_end_is_another",
    ),
    # --- functions: limited keys, runs that hold others up
    fault(
        "functions-of-a-key-forgotten",
        "authserver/protect.py",
        [("key.role, key.connections, place[1], key.functions)", "key.role, key.connections, place[1])")],
        "web/test_function_rights.py::test_a_key_limited_to_some_functions_runs_no_others",
    ),
    fault(
        "limited-key-administers",
        "broker/access.py",
        [('if right in _BEYOND_LIMITS and actor.kind == "api_key" and actor.is_limited:', "if False:")],
        "web/test_function_rights.py::test_a_limited_key_administers_nothing_whatever_its_role",
    ),
    fault(
        "endless-loops-hold-every-worker",
        "functions/sandbox/lanes.py",
        [("        turn.long = True\n", "")],
        "functions/sandbox/test_lanes.py",
    ),
    fault(
        "answer-lost-when-a-process-ends",
        "broker/runs/queue.py",
        [
            (
                "            await asyncio.wait_for(self._settle(), FLUSH_SECONDS)\n",
                "            await asyncio.sleep(0)\n",
            )
        ],
        "broker/runs/test_ending.py::test_an_answer_that_is_being_written_is_waited_for_when_the_process_ends",
    ),
    fault(
        "two-decide-on-one-interrupted-run",
        "broker/runs/mending.py",
        [(', state="interrupted"', "")],
        "broker/runs/test_queue.py::test_of_two_who_decide_one_is_told_that_it_is_decided",
    ),
    # --- the catalog
    fault(
        "a-changed-service-goes-unnoticed",
        "broker/notices.py",
        [("changes = differences(known.agreed, latest)", "changes = ()")],
        "broker/test_notices.py::test_a_change_after_an_upgrade_is_told_once_and_stays_until_it_is_acknowledged",
    ),
    fault(
        "anybody-agrees-to-a-changed-service",
        "broker/notices.py",
        [('require(actor, "services.manage")', 'require(actor, "services.read")')],
        "broker/test_notices.py::test_only_an_administrator_acknowledges",
    ),
    fault(
        "hosts-do-not-matter",
        "catalog/changes.py",
        [('    "hosts": "Hosts",\n', "")],
        "catalog/test_changes.py::test_what_matters_is_told_in_words",
    ),
    fault(
        "an-update-is-read-before-its-signature",
        "broker/layers.py",
        [
            (
                "return read_bundle(content_of(signed, PURPOSE, self._keys))",
                "return read_bundle(signed.partition(bytes([10]))[2])",
            )
        ],
        "broker/test_updates.py::test_a_bad_update_changes_nothing_and_is_told",
        "broker/test_updates.py::test_the_content_is_not_looked_at_before_its_signature_is_good",
    ),
    fault(
        "an-older-update-is-taken",
        "broker/layers.py",
        [("if bundle.serial <= newest:", "if bundle.serial < 0:")],
        "broker/test_updates.py::test_a_bad_update_changes_nothing_and_is_told",
    ),
    fault(
        "a-signature-is-good-for-every-purpose",
        "protocols/signed.py",
        [('return purpose + b"\\n" + content', "return content")],
        "protocols/test_signed.py::test_another_key_another_purpose_and_no_key_are_refused",
    ),
    fault(
        "calls-go-on-with-the-old-definition",
        "broker/updates.py",
        [("        self._forget_all()\n", "")],
        "broker/test_updates.py::test_a_call_goes_where_the_new_definition_says",
    ),
    fault(
        "anybody-updates-the-catalog",
        "broker/updates.py",
        [('require(actor, "services.manage")', 'require(actor, "services.read")')],
        "broker/test_updates.py::test_only_an_administrator_updates_and_only_with_a_key",
    ),
    fault(
        "a-callback-s-signature-is-not-looked-at",
        "protocols/oauth2/authorize.py",
        [('if not secret or not callbacks.same(given.get(rule.parameter, ""), expected):', "if not secret:")],
        "protocols/oauth2/test_authorize.py::test_a_callback_without_the_promised_signature_is_refused",
    ),
    # --- processes
    fault(
        "children-outlive-a-killed-parent",
        "cli/listener.py",
        [("        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)", "        pass")],
        "cli/test_demo.py::test_a_demo_that_is_killed_leaves_no_third_party_behind",
        "cli/test_serve.py::test_workers_whose_parent_is_killed_end_too",
    ),
)
