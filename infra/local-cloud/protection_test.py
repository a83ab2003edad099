"""Who may do what in the stack, what is encrypted, and what is kept for how long."""

import re
import unittest

from template import FUNCTIONS, RESOURCES, TEMPLATE, allowed, many, of, policies, under


class Protection(unittest.TestCase):
    def test_nothing_is_allowed_on_everything_but_tracing(self):
        for role, statement in policies():
            for action in many(statement["Action"]):
                self.assertNotIn("*", action, role)
            for resource in many(statement["Resource"]):
                if resource == "*":
                    self.assertEqual(statement["Action"], ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], role)
                elif "*" in str(resource):
                    self.assertRegex(str(resource), r"/(knowledge_base|outbox|account)/\*'}$", role)

    def test_mail_is_sent_by_our_sender_alone(self):
        statement = allowed("AlertRole")["Send"]
        self.assertEqual(statement["Condition"], {"StringEquals": {"ses:FromAddress": {"Ref": "SenderEmail"}}})
        names = [resource["Sub"].rpartition(":")[2] for resource in statement["Resource"]]
        self.assertEqual(names, ["identity/${SenderIdentity}", "identity/${SenderEmail}", "configuration-set/${MailConfiguration}"])
        self.assertEqual({role for role, statement in policies() if "ses:SendEmail" in many(statement["Action"])}, {"AlertRole"})

    def test_every_role_takes_the_boundary(self):
        boundary = lambda **parameters: {str(role.get("PermissionsBoundary")) for role in of("AWS::IAM::Role", under(CanaryDeployment="true", **parameters)).values()}
        self.assertEqual(boundary(), {"None"})
        self.assertEqual(boundary(PermissionsBoundaryArn="arn"), {"{'Ref': 'PermissionsBoundaryArn'}"})

    def test_only_its_own_alarms_and_mails_reach_a_topic(self):
        """Bounces name a recipient and a subject, so they have a topic of their own."""
        account = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        alarms = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:${AWS::StackName}-*"
        mails = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/${MailConfiguration}"
        for topic, service, condition in (
                ("AlarmTopic", "cloudwatch.amazonaws.com", {"StringEquals": account, "ArnLike": {"aws:SourceArn": {"Sub": alarms}}}),
                ("MailEventsTopic", "ses.amazonaws.com", {"StringEquals": {**account, "aws:SourceArn": {"Sub": mails}}})):
            policy = of("AWS::SNS::TopicPolicy")[f"{topic}Policy"]
            self.assertEqual(policy["Topics"], [{"Ref": topic}])
            [statement] = policy["PolicyDocument"]["Statement"]
            self.assertEqual((statement["Principal"], statement["Action"], statement["Resource"]), ({"Service": service}, "sns:Publish", {"Ref": topic}))
            self.assertEqual(statement["Condition"], condition)
        destination = of("AWS::SES::ConfigurationSetEventDestination")["MailEvents"]["EventDestination"]
        self.assertEqual(destination["SnsDestination"], {"TopicARN": {"Ref": "MailEventsTopic"}})
        self.assertEqual(set(destination["MatchingEventTypes"]), {"bounce", "complaint", "reject"})
        self.assertIs(destination["Enabled"], True)
        configuration = of("AWS::SES::ConfigurationSet")["MailConfiguration"]
        self.assertEqual(configuration["DeliveryOptions"], {"TlsPolicy": "REQUIRE"})
        self.assertEqual(configuration["SuppressionOptions"], {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]})
        self.assertNotIn("Default", TEMPLATE["Parameters"]["AlarmEmail"], "an operator names somebody or says none")
        told = lambda **parameters: {name: each["Endpoint"] for name, each in of("AWS::SNS::Subscription", under(**parameters)).items()}
        self.assertEqual(told(AlarmEmail="none"), {})
        self.assertEqual(told(AlarmEmail="a@b.c", MailEventsEmail="d@e.f"),
                         {"AlarmSubscription": {"Ref": "AlarmEmail"}, "MailEventsSubscription": {"Ref": "MailEventsEmail"}})

    def test_everything_is_encrypted_at_rest(self):
        key, key_arn = {"Ref": "KmsKeyArn"}, "arn:aws:kms:eu-west-1:123456789012:key/k"
        own = under(KmsKeyArn=key_arn)
        for name, queue in of("AWS::SQS::Queue").items():
            self.assertIs(queue["SqsManagedSseEnabled"], True, name)
            self.assertNotIn("KmsMasterKeyId", queue)
            # SQS takes one of the two.
            queue = own[name]["Properties"]
            self.assertEqual((queue.get("SqsManagedSseEnabled"), queue["KmsMasterKeyId"]), (None, key), name)
        for name, bucket in of("AWS::S3::Bucket").items():
            rule = lambda bucket: bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            self.assertEqual(rule(bucket), [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}], name)
            self.assertEqual(rule(own[name]["Properties"])[0]["ServerSideEncryptionByDefault"], {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}, name)
        for name, found in of("AWS::DynamoDB::Table").items():
            # Without a specification DynamoDB encrypts with a key of its own.
            self.assertNotIn("SSESpecification", found)
            self.assertEqual(own[name]["Properties"]["SSESpecification"], {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key})
        for kind, field in (("AWS::SNS::Topic", "KmsMasterKeyId"), ("AWS::Logs::LogGroup", "KmsKeyId")):
            self.assertTrue(of(kind))
            for name, found in of(kind).items():
                self.assertNotIn(field, found, name)
                self.assertEqual(own[name]["Properties"][field], key, name)

    def test_a_key_is_used_by_whoever_reads_with_it(self):
        own = {"KmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/k", "SecretsKmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/s"}
        self.assertFalse([role for role, statement in policies() if "kms:" in str(statement["Action"])], "there is no key by default")
        users = lambda sid: {role for role, statement in policies(under(**own)) if statement["Sid"] == sid}
        self.assertEqual(users("Key"), {*(f"{function}Role" for function in set(FUNCTIONS) - {"Signin"}), "SchedulesRole"})
        secrets = {role for role, statement in policies() if re.search("webhook-secret|followup-secret|slack-|anthropic-api-key|zendesk-credentials|session-keys", str(statement["Resource"]))}
        self.assertEqual(users("SecretsKey"), secrets)
        for role, statement in policies(under(**own)):
            if statement["Sid"] == "Key":
                self.assertEqual((statement["Action"], statement["Resource"]), (["kms:Decrypt", "kms:GenerateDataKey"], {"Ref": "KmsKeyArn"}), role)
            elif statement["Sid"] == "SecretsKey":
                self.assertEqual((statement["Action"], statement["Resource"]), ("kms:Decrypt", {"Ref": "SecretsKmsKeyArn"}), role)
                self.assertEqual(statement["Condition"], {"StringEquals": {"kms:ViaService": {"Sub": "ssm.${AWS::Region}.${AWS::URLSuffix}"}}})

    def test_everything_is_encrypted_on_its_way(self):
        secure = {"Bool": {"aws:SecureTransport": "false"}}
        [queues] = of("AWS::SQS::QueuePolicy").values()
        [statement] = queues["PolicyDocument"]["Statement"]
        self.assertEqual((statement["Effect"], statement["Principal"], statement["Action"], statement["Condition"]), ("Deny", "*", "sqs:*", secure))
        self.assertEqual({each["Ref"] for each in queues["Queues"]}, set(of("AWS::SQS::Queue")))
        self.assertEqual({each["GetAtt"].removesuffix(".Arn") for each in statement["Resource"]}, set(of("AWS::SQS::Queue")))
        closed = set()
        for policy in of("AWS::S3::BucketPolicy").values():
            bucket = policy["Bucket"]["Ref"]
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Deny":
                    self.assertEqual((statement["Principal"], statement["Action"], statement["Condition"]), ("*", "s3:*", secure))
                    self.assertEqual(statement["Resource"], [{"GetAtt": f"{bucket}.Arn"}, {"Sub": f"${{{bucket}.Arn}}/*"}])
                    closed.add(bucket)
        self.assertEqual(closed, set(of("AWS::S3::Bucket")))
        self.assertEqual(RESOURCES["Site"]["Properties"]["DistributionConfig"]["DefaultCacheBehavior"]["ViewerProtocolPolicy"], "redirect-to-https")

    def test_only_the_local_cloud_is_lax(self):
        """test, staging and prod are names of stacks; what is lax is lax by one parameter, and it is off."""
        self.assertEqual(TEMPLATE["Parameters"]["LocalCloud"]["Default"], "false")
        local = under(LocalCloud="true")
        lax = {name for name in RESOURCES if RESOURCES[name] != local.get(name)}
        self.assertEqual(lax, {"QueuesTlsOnly", "ConfigBucketPolicy", "SiteBucketPolicy", "SiteLogsPolicy", "AlertRole", "Site"})
        self.assertFalse(set(local) - set(RESOURCES))

    def test_buckets_are_closed_and_forget(self):
        for name, bucket in of("AWS::S3::Bucket").items():
            self.assertEqual(bucket["PublicAccessBlockConfiguration"], dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True), name)
            # CloudFront writes its log by an entry in the bucket's ACL.
            owner = "BucketOwnerPreferred" if name == "SiteLogs" else "BucketOwnerEnforced"
            self.assertEqual(bucket["OwnershipControls"], {"Rules": [{"ObjectOwnership": owner}]}, name)
        rules = lambda name: of("AWS::S3::Bucket")[name]["LifecycleConfiguration"]["Rules"]
        for name, days in (("SiteBucket", "RetentionDays"), ("SiteLogs", "LogRetentionDays")):
            self.assertEqual([(rule["Status"], rule["ExpirationInDays"]) for rule in rules(name)], [("Enabled", {"Ref": days})])
        self.assertEqual(of("AWS::S3::Bucket")["ConfigBucket"]["VersioningConfiguration"], {"Status": "Enabled"})
        self.assertIn(("Enabled", {"NoncurrentDays": 90}), [(rule["Status"], rule.get("NoncurrentVersionExpiration")) for rule in rules("ConfigBucket")])
        for name, group in of("AWS::Logs::LogGroup").items():
            self.assertEqual(group["RetentionInDays"], {"Ref": "LogRetentionDays"}, name)

    def test_what_cannot_be_made_again_is_kept(self):
        for kind, deletion, replacement in (("AWS::DynamoDB::Table", "RetainExceptOnCreate", "Retain"), ("AWS::S3::Bucket", "RetainExceptOnCreate", "Retain"),
                                            ("AWS::SQS::Queue", "Delete", "Delete"), ("AWS::Logs::LogGroup", "Delete", "Delete")):
            for name in of(kind):
                self.assertEqual((RESOURCES[name].get("DeletionPolicy"), RESOURCES[name].get("UpdateReplacePolicy")), (deletion, replacement), name)
        for name, found in of("AWS::DynamoDB::Table").items():
            self.assertEqual(found["TimeToLiveSpecification"], {"AttributeName": "expires_at", "Enabled": True}, name)
            self.assertEqual(found["BillingMode"], "PAY_PER_REQUEST", name)
            for choice in (True, False):
                chosen = under(DeletionProtection=str(choice).lower())[name]["Properties"]
                self.assertIs(chosen["DeletionProtectionEnabled"], choice, name)
        for choice in (True, False):
            chosen = under(PointInTimeRecovery=str(choice).lower())["TicketsTable"]["Properties"]
            self.assertEqual(chosen["PointInTimeRecoverySpecification"], {"PointInTimeRecoveryEnabled": choice})
        self.assertEqual(TEMPLATE["Parameters"]["PointInTimeRecovery"]["Default"], "true")
