"""The ways in: the webhook's API with or without a front, and the dashboard's site."""

import json
import re
import unittest

from template import FUNCTIONS, RESOURCES, TEMPLATE, allowed, holds, of, outputs, policies, under

# CloudFront's managed policies CachingDisabled and AllViewerExceptHostHeader.
NO_CACHE = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


class Doors(unittest.TestCase):
    def test_the_way_in_is_wide_and_logged(self):
        stage = RESOURCES["ApiStage"]["Properties"]
        throttles = stage["DefaultRouteSettings"]
        self.assertEqual((throttles["ThrottlingRateLimit"], throttles["ThrottlingBurstLimit"]), (500, 1000))
        logged = json.loads(stage["AccessLogSettings"]["Format"])
        self.assertEqual(stage["AccessLogSettings"]["DestinationArn"], {"GetAtt": "ApiLogs.Arn"})
        self.assertLessEqual({"$context.identity.sourceIp", "$context.identity.userAgent", "$context.integrationStatus", "$context.status"}, set(logged.values()))
        permission = RESOURCES["ApiPermission"]["Properties"]
        self.assertEqual(permission["Principal"], "apigateway.amazonaws.com")
        self.assertTrue(permission["SourceArn"]["Sub"].endswith(":${Api}/*/*/webhooks/zendesk"))

    def test_the_webhook_may_have_a_concurrency_of_its_own(self):
        kept = lambda **parameters: {name: each.get("ReservedConcurrentExecutions") for name, each in of("AWS::Serverless::Function", under(**parameters)).items()}
        self.assertEqual(set(kept().values()), {None})
        limited = kept(WebhookConcurrency="5")
        self.assertEqual(limited.pop("WebhookFunction"), {"Ref": "WebhookConcurrency"})
        self.assertEqual(set(limited.values()), {None})

    def test_a_front_passes_everything_on(self):
        self.assertNotIn("Front", RESOURCES)
        front = under(WebhookFront="true")["Front"]["Properties"]["DistributionConfig"]
        behavior = front["DefaultCacheBehavior"]
        # AllViewerExceptHostHeader: with the viewer's host name API Gateway finds no API.
        self.assertEqual((behavior["CachePolicyId"], behavior["OriginRequestPolicyId"]), (NO_CACHE, ALL_BUT_HOST))
        self.assertIn("POST", behavior["AllowedMethods"])
        self.assertEqual(behavior["ViewerProtocolPolicy"], "https-only")
        [origin] = front["Origins"]
        self.assertEqual(origin["DomainName"], {"Sub": "${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}"})
        self.assertEqual(origin["CustomOriginConfig"]["OriginProtocolPolicy"], "https-only")
        url = lambda **parameters: outputs(**parameters)["WebhookUrl"]["Sub"]
        self.assertEqual((url(), url(WebhookFront="true")), ("${Api.ApiEndpoint}/webhooks/zendesk", "https://${Front.DomainName}/webhooks/zendesk"))

    def test_a_web_acl_stands_before_both(self):
        acl = lambda **parameters: {name: each["DistributionConfig"].get("WebACLId") for name, each in of("AWS::CloudFront::Distribution", under(**parameters)).items()}
        self.assertEqual(acl(), {"Site": None})
        self.assertEqual(acl(WebAclArn="arn", WebhookFront="true"), {"Site": {"Ref": "WebAclArn"}, "Front": {"Ref": "WebAclArn"}})

    def test_the_site_admits_by_the_gate_alone(self):
        site = RESOURCES["Site"]["Properties"]["DistributionConfig"]
        behavior = site["DefaultCacheBehavior"]
        self.assertEqual(behavior["FunctionAssociations"], [{"EventType": "viewer-request", "FunctionARN": {"GetAtt": "SiteGate.FunctionARN"}}])
        self.assertEqual(behavior["ResponseHeadersPolicyId"], {"Ref": "SiteHeaders"})
        self.assertEqual(behavior["CachePolicyId"], NO_CACHE)
        self.assertEqual(site["Origins"][0]["OriginAccessControlId"], {"Ref": "SiteAccess"})
        for other in site.get("CacheBehaviors", []):
            # Who signs in has no session yet, and the follow-up opens the session itself; there is no page of ours.
            self.assertTrue(other["TargetOriginId"] in ("signin", "followup") or other.get("FunctionAssociations"), f"{other['PathPattern']} has no gate")
            self.assertEqual((other["CachePolicyId"], other["ResponseHeadersPolicyId"]), (NO_CACHE, {"Ref": "SiteHeaders"}))
        headers = RESOURCES["SiteHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
        self.assertEqual(set(headers), {"ContentTypeOptions", "FrameOptions", "ReferrerPolicy", "StrictTransportSecurity"})
        readers = [statement for statement in RESOURCES["SiteBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"] if statement["Effect"] == "Allow"]
        # The list is for S3 to tell a missing object from a forbidden one.
        self.assertEqual([reader["Action"] for reader in readers], ["s3:GetObject", "s3:ListBucket"])
        for reader in readers:
            self.assertEqual(reader["Principal"], {"Service": "cloudfront.amazonaws.com"})
            self.assertEqual(reader["Condition"], {"StringEquals": {"aws:SourceArn": {"Sub": "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Site}"}}})

    def test_a_page_that_is_not_written_yet_is_waited_for(self):
        [error] = RESOURCES["Site"]["Properties"]["DistributionConfig"]["CustomErrorResponses"]
        self.assertEqual(error, {"ErrorCode": 404, "ResponseCode": 404, "ResponsePagePath": "/missing.html", "ErrorCachingMinTTL": 0})
        self.assertIn({"Sub": "${SiteBucket.Arn}/missing.html"}, allowed("ReportRole")["Publish"]["Resource"])
        self.assertEqual(RESOURCES["SiteBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][1]["Resource"], {"GetAtt": "SiteBucket.Arn"})

    def test_people_sign_in_only_where_identity_is_on(self):
        added = set(under(Identity="oidc")) - set(under(Identity="off"))
        self.assertEqual(added, {f"Signin{part}" for part in ("Api", "Integration", "Route", "Stage", "Permission", "Function", "Logs", "Role")})
        for identity, origins, patterns in (("off", ["site"], []), ("oidc", ["site", "signin", "followup"], ["/signin*", "/followup"])):
            site = under(Identity=identity)["Site"]["Properties"]["DistributionConfig"]
            self.assertEqual([origin["Id"] for origin in site["Origins"]], origins)
            self.assertEqual([behavior["PathPattern"] for behavior in site.get("CacheBehaviors", [])], patterns)
        gate = RESOURCES["SiteGate"]["Properties"]["FunctionCode"]["Sub"]
        self.assertEqual(re.findall(r"\$\{(\w*)", gate), ["Identity"], "nothing else of the gate is replaced")

    def test_the_way_to_the_sign_in_is_narrow(self):
        site = RESOURCES["Site"]["Properties"]["DistributionConfig"]
        self.assertEqual(site["Origins"][1]["DomainName"], {"Sub": "${SigninApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}"})
        self.assertEqual(site["Origins"][1]["CustomOriginConfig"]["OriginProtocolPolicy"], "https-only")
        behavior, followup = site["CacheBehaviors"]
        self.assertEqual(site["Origins"][2]["DomainName"], {"Sub": "${FollowupApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}"})
        self.assertIn("POST", followup["AllowedMethods"])
        for each in (behavior, followup):
            self.assertEqual(each["ViewerProtocolPolicy"], "redirect-to-https")
        self.assertEqual((behavior["OriginRequestPolicyId"], behavior["AllowedMethods"]), (ALL_BUT_HOST, ["GET", "HEAD"]))
        self.assertEqual(behavior["ViewerProtocolPolicy"], "redirect-to-https")
        throttles = RESOURCES["SigninStage"]["Properties"]["DefaultRouteSettings"]
        self.assertEqual((throttles["ThrottlingRateLimit"], throttles["ThrottlingBurstLimit"]), (10, 40))
        self.assertTrue(RESOURCES["SigninPermission"]["Properties"]["SourceArn"]["Sub"].endswith(":${SigninApi}/*"))

    def test_the_sign_in_reads_its_own_secrets_alone(self):
        statements = allowed("SigninRole")
        self.assertEqual(set(statements), {"Log", "Trace", "ReadSettingsAndKeys"})
        names = [resource["Sub"].rpartition("parameter/")[2] for resource in statements["ReadSettingsAndKeys"]["Resource"]]
        self.assertEqual(names, ["${AWS::StackName}/signin", "${AWS::StackName}/session-keys"])
        self.assertEqual(statements["ReadSettingsAndKeys"]["Action"], "ssm:GetParameter")
        # Two requests to the provider and one look at each parameter.
        function, integration = FUNCTIONS["Signin"], RESOURCES["SigninIntegration"]["Properties"]
        self.assertGreaterEqual(function["Timeout"], 2 * 5 + 5 + 2)
        self.assertEqual(integration["TimeoutInMillis"], 1000 * function["Timeout"])
        site = lambda **parameters: under(**parameters)["SigninFunction"]["Properties"]["Environment"]["Variables"]["SITE_URL"]
        self.assertEqual((site(), site(SiteDomain="d")), ({"Sub": "https://${Site.DomainName}"}, {"Sub": "https://${SiteDomain}"}))

    def test_the_way_to_an_alert_is_narrow_and_logged(self):
        stage = RESOURCES["FollowupStage"]["Properties"]
        throttles = stage["DefaultRouteSettings"]
        self.assertEqual((throttles["ThrottlingRateLimit"], throttles["ThrottlingBurstLimit"]), (10, 40))
        routes = {RESOURCES[name]["Properties"]["RouteKey"]: name for name in ("FollowupRoute", "FollowupSlackRoute")}
        self.assertEqual(stage["RouteSettings"], {route: throttles for route in routes}, "a flood of links starves no press in Slack")
        self.assertEqual(set(RESOURCES["FollowupStage"]["DependsOn"]), set(routes.values()))
        self.assertEqual(stage["AccessLogSettings"]["DestinationArn"], {"GetAtt": "ApiLogs.Arn"})
        # `$context.path` leaves the query out, which holds the link.
        self.assertEqual(json.loads(stage["AccessLogSettings"]["Format"]), json.loads(RESOURCES["ApiStage"]["Properties"]["AccessLogSettings"]["Format"]))
        permission = RESOURCES["FollowupPermission"]["Properties"]
        self.assertEqual(permission["Principal"], "apigateway.amazonaws.com")
        self.assertTrue(permission["SourceArn"]["Sub"].endswith(":${FollowupApi}/*/*/followup"))
        self.assertEqual(RESOURCES["FollowupRoute"]["Properties"]["RouteKey"], "ANY /followup")
        self.assertTrue(RESOURCES["FollowupSlackPermission"]["Properties"]["SourceArn"]["Sub"].endswith(":${FollowupApi}/*/*/slack"))
        self.assertEqual(RESOURCES["FollowupSlackRoute"]["Properties"]["RouteKey"], "POST /slack")
        function, integration = FUNCTIONS["Followup"], RESOURCES["FollowupIntegration"]["Properties"]
        self.assertEqual(integration["TimeoutInMillis"], 1000 * function["Timeout"])

    def test_who_presses_changes_one_alert_and_no_more(self):
        statements = allowed("FollowupRole")
        self.assertEqual(set(statements), {"Log", "Trace", "ReadAlert", "ChangeAlert", "TellAlerts", "ReadSecrets", "Rebuild", "ReadSessionKeys"})
        self.assertEqual(set(allowed("FollowupRole", Identity="off")), set(statements) - {"ReadSessionKeys"})
        for statement, queue in (("TellAlerts", "AlertsQueue"), ("Rebuild", "RebuildsQueue")):
            told = statements[statement]
            self.assertEqual((told["Action"], told["Resource"]), ("sqs:SendMessage", {"GetAtt": f"{queue}.Arn"}))
        variables = lambda **parameters: set(under(**parameters)["FollowupFunction"]["Properties"]["Environment"]["Variables"])
        self.assertEqual(variables(Identity="oidc") ^ variables(Identity="off"), {"SESSION_KEYS_PARAMETER"})
        # A put could take the place of any item, and a read or change without a list of attributes reach all of it.
        of_alert = {"pk", "sk", "alert_json", "expires_at"}
        for statement, action, attributes, whole in (
                ("ReadAlert", "GetItem", {"delivery_json"}, {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}),
                ("ChangeAlert", "UpdateItem", {"audit_action", "audit_target", "audit_outcome"}, {"dynamodb:ReturnValues": "NONE"})):
            self.assertEqual(statements[statement]["Action"], f"dynamodb:{action}")
            self.assertEqual(statements[statement]["Resource"], allowed("SweepRole")["Records"]["Resource"], "the table itself, no index of it")
            condition = statements[statement]["Condition"]
            self.assertEqual(set(condition), {"ForAllValues:StringEquals", "StringEqualsIfExists"})
            self.assertEqual(set(condition["ForAllValues:StringEquals"]["dynamodb:Attributes"]), of_alert | attributes)
            self.assertEqual(condition["StringEqualsIfExists"], whole)
        self.assertEqual(statements["ReadSecrets"]["Action"], "ssm:GetParameter")
        names = [resource["Sub"].rpartition("parameter/")[2] for resource in statements["ReadSecrets"]["Resource"]]
        self.assertEqual(names, [f"${{AWS::StackName}}/{name}" for name in ("followup-secret", "slack-token", "slack-signing-secret")])
        readers = lambda name: {role for role, statement in policies() if name in str(statement["Resource"])}
        self.assertEqual(readers("followup-secret"), {"AlertRole", "FollowupRole"}, "whoever signs and whoever checks")
        self.assertEqual(readers("slack-signing-secret"), {"FollowupRole"}, "whoever checks")
        self.assertEqual(readers("session-keys"), {"FollowupRole", "SigninRole"}, "whoever seals sessions and whoever opens them")
        self.assertEqual(readers("slack-token"), {"AlertRole", "FollowupRole", "TriageRole"}, "whoever posts, changes and deletes")

    def test_who_read_the_site_is_logged(self):
        logging = lambda **parameters: under(**parameters)["Site"]["Properties"]["DistributionConfig"].get("Logging")
        # A cookie of the dashboard's is a login.
        self.assertEqual(logging(), {"Bucket": {"GetAtt": "SiteLogs.DomainName"}, "Prefix": "site/", "IncludeCookies": False})
        self.assertIsNone(logging(SiteAccessLog="false"))
        self.assertFalse({"SiteLogs", "SiteLogsPolicy"} & set(under(SiteAccessLog="false")))

    def test_a_domain_has_a_certificate_and_newer_tls(self):
        site = lambda **parameters: under(**parameters)["Site"]["Properties"]["DistributionConfig"]
        self.assertFalse({"Aliases", "ViewerCertificate"} & set(site()))
        found = site(SiteDomain="triage.example.com", SiteCertificateArn="arn")
        self.assertEqual(found["Aliases"], [{"Ref": "SiteDomain"}])
        self.assertEqual(found["ViewerCertificate"], {"AcmCertificateArn": {"Ref": "SiteCertificateArn"}, "SslSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1.2_2021"})
        [assertion] = TEMPLATE["Rules"]["SiteDomainHasCertificate"]["Assertions"]
        for domain, certificate, right in (("", "", True), ("d", "c", True), ("d", "", False), ("", "c", False)):
            given = {"SiteDomain": domain, "SiteCertificateArn": certificate}
            self.assertIs(holds(TEMPLATE, assertion["Assert"], given), right, given)
        url = lambda **parameters: outputs(**parameters)["DashboardUrl"]
        self.assertEqual((url(), url(SiteDomain="d")), ({"Sub": "https://${Site.DomainName}/"}, {"Sub": "https://${SiteDomain}/"}))
