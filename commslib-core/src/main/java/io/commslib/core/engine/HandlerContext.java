package io.commslib.core.engine;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.Deadline;
import io.commslib.core.messaging.CallTrail;
import io.commslib.core.messaging.Message;
import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * Makes the context in which a handler runs, when the handler or something that it calls reads it.
 * Its deadline is the earlier of the handler's and the expiry of a message that expires with a
 * call. Any other expiry only decides whether handling begins.
 */
final class HandlerContext {

  private HandlerContext() {}

  static CallContext of(Message message, long deadlineNanos, TimeSource time) {
    return limitedBy(
        message, CallTrail.of(message).withDeadline(Deadline.atNanos(deadlineNanos, time)), time);
  }

  /**
   * The context of a batch: no trace and no ids, since those of its messages differ. The first
   * message to expire limits the calls for all; without outcomes they are handled one by one.
   */
  static CallContext ofBatch(List<Message> messages, long deadlineNanos, TimeSource time) {
    CallContext context = CallContext.empty().withDeadline(Deadline.atNanos(deadlineNanos, time));
    for (Message message : messages) {
      context = limitedBy(message, context, time);
    }
    return context;
  }

  private static CallContext limitedBy(Message message, CallContext context, TimeSource time) {
    Instant expiry = message.expiresWithCall() ? message.expiry().orElse(null) : null;
    return expiry == null
        ? context
        : context.withDeadline(Deadline.after(Duration.between(time.now(), expiry), time));
  }
}
