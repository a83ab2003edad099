"""What the template's alarms watch, whom they tell, and what they cannot mistake."""

import json
import re
import unittest

from template import FUNCTIONS, RESOURCES, ROOT, TEMPLATE, of, under

# The functions of which a version is tried before it is used.
TRIED = {"Triage", "Alert"}
# How a metric's figures of one period become one, where it is not their sum.
STATISTIC = {"MessageAge": "Maximum", "AlertCapUsed": "Maximum", "Fallbacks": "Average", "ApproximateAgeOfOldestMessage": "Maximum",
             "ApproximateNumberOfMessagesVisible": "Maximum", "ApproximateNumberOfMessagesNotVisible": "Maximum"}


def watched(alarm: dict) -> list[dict]:
    """The metrics of an alarm, be it of one or of a sum of them."""
    return [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query] or [alarm]


def fires_at(alarm: dict) -> float:
    """The least whole figure that raises an alarm."""
    return alarm["Threshold"] + {"GreaterThanThreshold": 1, "GreaterThanOrEqualToThreshold": 0}[alarm["ComparisonOperator"]]


def period_of(alarm: dict) -> int:
    return alarm.get("Period") or next(query["MetricStat"]["Period"] for query in alarm["Metrics"] if "MetricStat" in query)


def expressions(alarm: dict) -> dict[str, str]:
    return {query["Id"]: query["Expression"] for query in alarm["Metrics"] if "Expression" in query}


def statistics_of(alarm: dict) -> list[str]:
    return [query["MetricStat"]["Stat"] for query in alarm.get("Metrics", []) if "MetricStat" in query] or [alarm["Statistic"]]


def anchors(markdown: str) -> set[str]:
    """Of a document's headings."""
    headings = re.findall(r"^#+ (.*)$", markdown, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class Alarms(unittest.TestCase):
    def test_every_alarm_has_its_page(self):
        pages = anchors((ROOT / "docs/operations.md").read_text())
        self.assertEqual([name for name in of("AWS::CloudWatch::Alarm") if name.lower() not in pages], [])

    def test_every_alarm_tells_twice_and_names_its_page(self):
        """When it begins and when it ends; only CodeDeploy asks the canary's."""
        for name, alarm in of("AWS::CloudWatch::Alarm").items():
            told = [] if name == "Canary" else [{"Ref": "AlarmTopic"}]
            self.assertEqual((alarm.get("AlarmActions", []), alarm.get("OKActions", [])), (told, told), name)
            self.assertNotEqual(alarm.get("ActionsEnabled"), False, name)
            self.assertRegex(alarm["AlarmDescription"], rf"^[A-Z0-9].*[.] docs/operations\.md#{name.lower()}$")

    def test_what_fails_is_watched(self):
        """Each figure of trouble raises its alarm: at the least that was meant, and after the time that was meant."""
        alarms = of("AWS::CloudWatch::Alarm")
        watch_out = {
            # The metric, the least figure, its period, and one of so many periods is enough.
            "Failing": ("Failed", 10, 300, 1), "Parked": ("Parked", 1, 300, 1), "MailRefused": ("Refused", 1, 300, 1),
            "MailBlocked": ("MailBlocked", 1, 300, 1), "Unauthorized": ("Unauthorized", 5, 900, 1), "Withheld": ("Withheld", 1, 3600, 24),
            "TicketsNotFound": ("NotFound", 1, 300, 1), "Denied": ("Denied", 1, 300, 1), "Exposed": ("Exposed", 1, 300, 1),
            "Misconfigured": ("Misconfigured", 1, 300, 3), "WebhookRefusing": ("5xx", 6, 300, 1), "PutOffLong": ("MessageAge", 1801, 900, 2),
            "FollowupRefusing": ("5xx", 3, 900, 1),
            "AlertCapNear": ("AlertCapUsed", 80, 300, 1), "MailReturned": ("NumberOfMessagesPublished", 1, 300, 1),
            "Canary": (None, 1, 60, 5), "FunctionErrors": (None, 1, 300, 3), "FunctionThrottles": (None, 1, 300, 3),
            "DeadLetters": (None, 1, 60, 5), "DeadLettersOld": (None, 1, 86400, 7), "QueueWaiting": (None, 901, 300, 1),
        }
        for name, (metric, least, period, periods) in watch_out.items():
            alarm = alarms[name]
            self.assertEqual(alarm.get("MetricName"), metric, name)
            self.assertEqual(fires_at(alarm), least, name)
            self.assertEqual((period_of(alarm), alarm["EvaluationPeriods"]), (period, periods), name)
            points = 7 if name == "DeadLettersOld" else 1
            self.assertEqual(alarm.get("DatapointsToAlarm", periods), points, name)
            self.assertEqual(alarm["TreatMissingData"], "notBreaching", name)
        fallbacks = alarms["FallbacksMany"]
        self.assertEqual({name: fallbacks[name] for name in ("MetricName", "Statistic", "Period", "Threshold", "ComparisonOperator", "EvaluationPeriods", "TreatMissingData")},
                         {"MetricName": "Fallbacks", "Statistic": "Average", "Period": 300, "Threshold": 0.2, "ComparisonOperator": "GreaterThanThreshold",
                          "EvaluationPeriods": 2, "TreatMissingData": "notBreaching"})
        elsewhere = {"DashboardOverdue", "DigestOverdue", "SweepOverdue", "NoTickets", "FallbacksMany"}
        self.assertEqual(set(alarms), set(watch_out) | elsewhere)
        functions_watched = lambda alarm, metric: {each["Dimensions"][0]["Value"]["Ref"].removesuffix("Function")
                                                   for each in watched(alarms[alarm]) if each["MetricName"] == metric}
        # The sign-in is not, since people see it fail; the sweep's errors are not, since it comes again in five minutes.
        self.assertEqual(functions_watched("FunctionErrors", "Errors"), set(FUNCTIONS) - {"Signin", "Sweep"})
        self.assertEqual(functions_watched("FunctionThrottles", "Throttles"), set(FUNCTIONS) - {"Signin"})

    def test_a_figure_is_added_up_as_it_is_meant(self):
        """A sum of ages or an age of sums says nothing."""
        for name, alarm in of("AWS::CloudWatch::Alarm").items():
            for metric, statistic in zip(watched(alarm), statistics_of(alarm)):
                self.assertEqual(statistic, STATISTIC.get(metric["MetricName"], "Sum") if name != "DeadLettersOld" else "Minimum", name)

    def test_expressions_are_of_metrics_that_are_there(self):
        """CloudWatch takes ten metrics an alarm, shows one series, and knows no other names."""
        for name, alarm in of("AWS::CloudWatch::Alarm").items():
            queries = {query["Id"]: query for query in alarm.get("Metrics", [])}
            if not queries:
                continue
            shown = [query["Id"] for query in queries.values() if query.get("ReturnData", True)]
            self.assertEqual(shown, ["watched"], name)
            expressions = " ".join(query.get("Expression", "") for query in queries.values())
            self.assertEqual(set(re.findall(r"\b[a-z][a-z_]*\b", expressions)), set(queries) - {"watched"}, name)
            self.assertLessEqual(len(queries) - 1, 10, name)
            periods = {query["MetricStat"]["Period"] for query in queries.values() if "MetricStat" in query}
            self.assertEqual(len(periods), 1, name)

    def test_endless_deferral_is_seen(self):
        """SQS's age leaves out what was received three times, so the functions' own figure is watched as well."""
        alarms = of("AWS::CloudWatch::Alarm")
        aged = [metric["Dimensions"][0]["Value"] for alarm in alarms.values() for metric in watched(alarm)
                if metric["MetricName"] == "ApproximateAgeOfOldestMessage"]
        self.assertEqual(aged, [{"GetAtt": "TicketsQueue.QueueName"}, {"GetAtt": "AlertsQueue.QueueName"}])
        # The longest backoff, so that a message that keeps failing keeps the alarm up.
        alarm = alarms["PutOffLong"]
        self.assertEqual(alarm["MetricName"], "MessageAge")
        self.assertGreaterEqual(alarm["Period"] * alarm["EvaluationPeriods"], 2 * 900)
        self.assertEqual(alarm["DatapointsToAlarm"], 1)

    def test_a_second_dead_letter_is_told(self):
        """By growth of all dead-letter queues; what SQS moves itself has no metric of ours."""
        queues = [name for name in of("AWS::SQS::Queue") if name.endswith("DeadLetters")]
        self.assertEqual(len(queues), 3)
        for alarm, metrics in (("DeadLetters", ("Visible", "NotVisible")), ("DeadLettersOld", ("Visible",))):
            found = {(metric["MetricName"], metric["Dimensions"][0]["Value"]["GetAtt"]) for metric in watched(of("AWS::CloudWatch::Alarm")[alarm])}
            self.assertEqual(found, {(f"ApproximateNumberOfMessages{each}", f"{queue}.QueueName") for each in metrics for queue in queues})
            # A gap repeats the figure before it: filled with 0 it would look like growth.
            filled = "FILL(FILL({}, REPEAT), 0)" if alarm == "DeadLetters" else "FILL({}, 0)"
            added = "SUM([" + ", ".join(filled.format(query["Id"]) for query in of("AWS::CloudWatch::Alarm")[alarm]["Metrics"][1:]) + "])"
            self.assertEqual(expressions(of("AWS::CloudWatch::Alarm")[alarm]), {"watched": f"DIFF({added})" if alarm == "DeadLetters" else added})

    def test_what_does_not_happen_is_told(self):
        """Heartbeats: no figure at all is the very thing they watch for."""
        alarms, timings = of("AWS::CloudWatch::Alarm"), TEMPLATE["Mappings"]["Timings"]["false"]
        for name, schedule in (("DashboardOverdue", "Schedule"), ("DigestOverdue", "Schedule"), ("SweepOverdue", "SweepSchedule")):
            alarm = alarms[name]
            self.assertEqual(alarm["TreatMissingData"], "breaching", name)
            self.assertEqual((alarm["ComparisonOperator"], alarm["Threshold"]), ("LessThanThreshold", 1), name)
            number, unit = re.fullmatch(r"rate\((\d+) (hour|minute)s?\)", timings[schedule]).groups()
            # One call at least is due in each period.
            calls = period_of(alarm) / (int(number) * {"hour": 3600, "minute": 60}[unit])
            self.assertTrue(1 <= calls <= 3, name)
            self.assertEqual(alarm["EvaluationPeriods"], 2, name)
        for name, function in (("DashboardOverdue", "ReportFunction"), ("SweepOverdue", "SweepFunction")):
            self.assertEqual(expressions(alarms[name]), {"watched": "FILL(calls, 0) - FILL(errors, 0)"})
            self.assertEqual([(metric["MetricName"], metric["Dimensions"][0]["Value"]) for metric in watched(alarms[name])],
                             [("Invocations", {"Ref": function}), ("Errors", {"Ref": function})])
        self.assertEqual(alarms["DigestOverdue"]["MetricName"], "Digests")
        self.assertNotIn("SweepOverdue", under(Sweep="off"))
        self.assertIn("SweepOverdue", under(Sweep="export"))

    def test_hours_without_tickets_are_working_hours(self):
        alarm = of("AWS::CloudWatch::Alarm")["NoTickets"]
        self.assertEqual((alarm["EvaluationPeriods"], alarm["ComparisonOperator"], alarm["Threshold"]), ({"Ref": "QuietHours"}, "LessThanThreshold", 1))
        [metric] = watched(alarm)
        self.assertEqual((metric["MetricName"], period_of(alarm), alarm["TreatMissingData"]), ("Tickets", 3600, "notBreaching"))
        # An hour without tickets has no figure, hence no DAY of its own.
        self.assertEqual(expressions(alarm), {"watched": "IF(DAY(filled) < 6 AND HOUR(filled) >= 8 AND HOUR(filled) < 18, filled, 1)", "filled": "FILL(tickets, 0)"})
        self.assertNotIn("NoTickets", under(QuietHours="0"))
        # A working day has ten of them.
        self.assertEqual(TEMPLATE["Parameters"]["QuietHours"]["MaxValue"], 10)

    def test_a_failing_version_is_rolled_back(self):
        """Handlers answer with failed messages and no error, so the canary looks at both."""
        for function in TRIED:
            preference = dict(FUNCTIONS[function]["DeploymentPreference"])
            self.assertEqual(preference.pop("Enabled"), {"Ref": "CanaryDeployment"})
            self.assertEqual(preference, {"Type": "Canary10Percent30Minutes", "Role": {"GetAtt": "RolloutRole.Arn"}, "Alarms": [{"Ref": "Canary"}]})
        alarm = of("AWS::CloudWatch::Alarm")["Canary"]
        self.assertEqual({(metric["MetricName"], str(metric["Dimensions"][0]["Value"])) for metric in watched(alarm)},
                         {("Failed", "{'Ref': 'AWS::StackName'}"), ("Errors", "{'Ref': 'TriageFunction'}"), ("Errors", "{'Ref': 'AlertFunction'}")})
        self.assertNotIn("RolloutRole", RESOURCES)
        self.assertIn("RolloutRole", under(CanaryDeployment="true"))

    def test_the_metrics_of_alarms_and_dashboard_are_those_we_write(self):
        written = set(json.loads((ROOT / "infra/local-cloud/metrics.json").read_text()))
        for alarm in of("AWS::CloudWatch::Alarm").values():
            for metric in watched(alarm):
                if metric["Namespace"] == "TicketTriage":
                    self.assertIn(metric["MetricName"], written)
        text = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Sub"]
        shown = re.findall(r'\["(?:TicketTriage|\.)", "([A-Za-z]+)", (?:"Stack"|"\.")', text)
        self.assertTrue(shown)
        self.assertLessEqual({name for name in shown if not name.startswith("Approximate") and name != "Throttles"}, written)

    def test_alarms_and_dashboard_look_at_this_stack_alone(self):
        """A metric of ours without the stack, or of AWS without a resource of it, would mix two stacks of an account."""
        self.assertEqual(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]["STACK"], {"Ref": "AWS::StackName"})
        self.assertIn('DIMENSION: &str = "Stack"', (ROOT / "shared/runtime/src/metrics.rs").read_text())
        ours = set()
        for name, alarm in of("AWS::CloudWatch::Alarm").items():
            for metric in watched(alarm):
                if metric["Namespace"] == "TicketTriage":
                    self.assertEqual(metric["Dimensions"], [{"Name": "Stack", "Value": {"Ref": "AWS::StackName"}}], name)
                    ours.add(name)
                else:
                    referred = [dimension["Value"].get("Ref") or dimension["Value"]["GetAtt"].split(".")[0] for dimension in metric["Dimensions"]]
                    self.assertTrue(referred and set(referred) <= set(RESOURCES), name)
            self.assertNotIn("AlarmName", alarm, "a fixed name would keep a second stack from being made")
        self.assertTrue(ours)
        body = json.loads(RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Sub"])
        for widget in body["widgets"]:
            first = widget["properties"]["metrics"][0]
            if first[0] == "TicketTriage":
                self.assertEqual(first[2:4], ["Stack", "${AWS::StackName}"])
