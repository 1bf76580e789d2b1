package io.commslib.core.messaging;

import io.commslib.core.call.CallContext;

/**
 * What a {@link CallContext} and a message hand on to each other: trace, correlation id and
 * causation id. Not the deadline: a message outlives the call that published it, unless it was
 * built by {@link Message.Builder#withinCallDeadline}. For engines, transports and outboxes;
 * applications get its effect whenever they publish. Thread-safe.
 */
public final class CallTrail {

  private CallTrail() {}

  /**
   * Returns the context of the work that a message causes: its trace, its correlation id or else
   * its id, and its id as causation id. Ids that break the rule of {@link
   * Message.Builder#causationId} have the form that {@link Message.Builder#causedBy} gives them.
   *
   * @param handled the message that is handled
   * @return the context, without a deadline
   */
  public static CallContext of(Message handled) {
    String id = handled.id();
    CallContext ids =
        CallContext.empty()
            .withCause(
                MessageIdentity.ofReference(handled.correlationId().orElse(id)),
                MessageIdentity.ofReference(id));
    return handled
        .traceparent()
        .map(trace -> ids.withTrace(trace, handled.tracestate().orElse("")))
        .orElse(ids);
  }

  /**
   * Returns a message as it is published within {@link CallContext#current()}: trace, correlation
   * id and causation id of the context are added where the message has none of its own. The message
   * that is being handled stays as it is, so that none causes itself.
   *
   * @param published the message
   * @return the message itself if there is nothing to add, else a copy
   */
  public static Message carriedOn(Message published) {
    CallContext context = CallContext.current();
    if (context == CallContext.empty()) {
      return published;
    }
    String cause = context.causationId().map(MessageIdentity::ofReference).orElse(null);
    if (cause != null && cause.equals(MessageIdentity.ofReference(published.id()))) {
      return published;
    }
    String trace = published.traceparent().isPresent() ? null : context.traceparent().orElse(null);
    String conversation =
        published.correlationId().isPresent() ? null : context.correlationId().orElse(null);
    boolean addsCause = cause != null && published.causationId().isEmpty();
    if (trace == null && conversation == null && !addsCause) {
      return published;
    }
    Message.Builder copy = published.toBuilder();
    if (trace != null) {
      copy.traceparent(trace);
      copy.tracestate = context.tracestate().orElse(null);
    }
    if (conversation != null) {
      copy.correlationId(MessageIdentity.ofReference(conversation));
    }
    return addsCause ? copy.causationId(cause).build() : copy.build();
  }
}
