"""What zenpy does with an account, with an API token."""

import os
import unittest

from zenpy import Zenpy
from zenpy.lib.api_objects import Comment, Group, Ticket, TicketField, Trigger, User, Webhook
from zenpy.lib.exception import APIException, RecordNotFoundException

ZENDESK = Zenpy(subdomain="demo", email=os.environ["DEMO_EMAIL"], token=os.environ["DEMO_API_TOKEN"])


class WithZenpy(unittest.TestCase):
    def opened(self, subject: str = "Orders are missing") -> Ticket:
        requester = User(name="Grace Example", email="grace@example.org")
        audit = ZENDESK.tickets.create(Ticket(subject=subject, description="None since noon.", requester=requester))
        return audit.ticket

    def test_it_knows_who_it_is(self):
        self.assertEqual(ZENDESK.users.me().email, os.environ["DEMO_EMAIL"])

    def test_a_ticket_is_created_read_and_updated(self):
        ticket = self.opened()
        read = ZENDESK.tickets(id=ticket.id)
        self.assertEqual((read.subject, read.status, read.requester.email), (ticket.subject, "new", "grace@example.org"))
        read.priority = "urgent"
        read.tags.extend(["vip"])
        read.group_id = next(iter(ZENDESK.groups())).id
        audit = ZENDESK.tickets.update(read)
        self.assertEqual((audit.ticket.priority, audit.ticket.tags), ("urgent", ["vip"]))
        changed = {event["field_name"] for event in audit.audit.events if event["type"] == "Change"}
        self.assertEqual(changed, {"priority", "tags", "group_id"})

    def test_a_note_stays_private(self):
        ticket = self.opened()
        ticket.comment = Comment(body="For agents.", public=False)
        ZENDESK.tickets.update(ticket)
        comments = list(ZENDESK.tickets.comments(ticket=ticket.id))
        self.assertEqual([(comment.public, comment.body) for comment in comments],
                         [(True, "None since noon."), (False, "For agents.")])
        audits = list(ZENDESK.tickets.audits(ticket=ticket.id))
        self.assertEqual(len(audits), 2)
        self.assertIsNotNone(audits[0].metadata.system.ip_address)

    def test_a_refusal_is_understood(self):
        ticket = self.opened()
        ticket.status = "solved"
        with self.assertRaises(APIException) as refused:
            ZENDESK.tickets.update(ticket)
        self.assertEqual(refused.exception.response.json()["error"], "RecordInvalid")
        with self.assertRaises(RecordNotFoundException):
            ZENDESK.tickets(id=987654321)

    def test_tags_are_added_and_removed(self):
        ticket = self.opened()
        ZENDESK.tickets.add_tags(ticket.id, ["one", "two"])
        ZENDESK.tickets.delete_tags(ticket.id, ["one"])
        self.assertEqual(list(ZENDESK.tickets.tags(ticket.id)), ["two"])

    def test_lists_are_walked(self):
        numbers = [ticket.id for ticket in ZENDESK.tickets()]
        self.assertEqual(len(numbers), len(set(numbers)))
        self.assertGreaterEqual(len(numbers), 30)
        by_cursor = [ticket.id for ticket in ZENDESK.tickets(cursor_pagination=7)]
        self.assertLessEqual(set(numbers), set(by_cursor))

    def test_the_export_has_everything(self):
        for by_time in (False, True):
            export = ZENDESK.tickets.incremental(start_time=1, paginate_by_time=by_time)
            # What was written in the last minute is not in it yet.
            numbers = {ticket.id for ticket in export}
            self.assertIsInstance(numbers, set)

    def test_search_finds_tickets_and_people(self):
        ticket = self.opened("Zanzibar is out of stock")
        found = ZENDESK.search("zanzibar", type="ticket")
        self.assertEqual([result.id for result in found], [ticket.id])
        exported = ZENDESK.search_export("zanzibar", type="ticket")
        self.assertEqual([result.id for result in exported], [ticket.id])
        self.assertEqual([user.name for user in ZENDESK.users.search(query="grace@example.org")], ["Grace Example"])

    def test_webhooks_are_managed(self):
        webhook = ZENDESK.webhooks.create(Webhook(
            name="zenpy", endpoint="https://example.com/hook", http_method="POST", request_format="json",
            status="active", subscriptions=["conditional_ticket_events"]))
        self.assertRegex(webhook.id, "^[0-9A-Z]{26}$")
        self.assertTrue(ZENDESK.webhooks.show_secret(webhook).secret.endswith("="))
        webhook.name = "renamed"
        ZENDESK.webhooks.patch(webhook)
        self.assertIn("renamed", [known.name for known in ZENDESK.webhooks.list()])
        trigger = ZENDESK.triggers.create(Trigger(
            title="zenpy", conditions={"all": [{"field": "status", "operator": "is", "value": "solved"}], "any": []},
            actions=[{"field": "notification_webhook", "value": [webhook.id, "{}"]}]))
        self.assertEqual(ZENDESK.triggers(id=trigger.id).title, "zenpy")
        with self.assertRaises(APIException):
            ZENDESK.webhooks.delete(webhook)
        ZENDESK.triggers.delete(trigger)
        ZENDESK.webhooks.delete(webhook)
        self.assertNotIn("renamed", [known.name for known in ZENDESK.webhooks.list()])

    def test_fields_and_groups_are_made(self):
        field = ZENDESK.ticket_fields.create(TicketField(
            type="tagger", title="Colour", custom_field_options=[{"name": "Red", "value": "colour_red"}]))
        ticket = self.opened()
        ticket.custom_fields = [{"id": field.id, "value": "colour_red"}]
        self.assertEqual(ZENDESK.tickets.update(ticket).ticket.tags, ["colour_red"])
        group = ZENDESK.groups.create(Group(name="Night shift"))
        self.assertIn("Night shift", [known.name for known in ZENDESK.groups()])
        ZENDESK.groups.delete(group)
        self.assertNotIn("Night shift", [known.name for known in ZENDESK.groups()])

    def test_articles_are_read(self):
        articles = list(ZENDESK.help_center.articles())
        self.assertGreater(len(articles), 20)
        self.assertIn("<p>", articles[0].body)

    def test_organisations_have_their_figures(self):
        figures = [organisation.organization_fields.get("mrr") for organisation in ZENDESK.organizations()]
        self.assertTrue(any(figures))


if __name__ == "__main__":
    unittest.main()
