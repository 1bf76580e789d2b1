package io.commslib.core.redrive;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.Destination;

/** One redrive or discard, as its audit entries describe it. */
final class AuditedAction {

  final RedriveAudit.Action kind;
  final Destination source;
  final String group;
  final String selection;
  final String actor;
  final String reason;

  AuditedAction(
      RedriveAudit.Action kind,
      Destination source,
      String group,
      RedriveSelection selection,
      String actor,
      String reason) {
    Checks.check(!actor.isBlank(), "actor", "''", "the person or job that asks for it");
    Checks.check(!reason.isBlank(), "reason", "''", "a text that is not blank");
    this.kind = kind;
    this.source = source;
    this.group = group;
    this.selection = selection.toString();
    this.actor = actor;
    this.reason = reason;
  }
}
