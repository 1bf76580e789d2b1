package io.commslib.testkit.sabotage;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetterListing;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageIds;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.TransportException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** Faults in the dead letters. */
final class DeadLetterFaults {

  private DeadLetterFaults() {}

  private static MessageTransport with(MessageTransport healthy, DeadLetters faulty) {
    return new ForwardingTransport(healthy) {
      @Override
      public DeadLetters deadLetters() {
        return faulty;
      }
    };
  }

  private static MessageTransport listing(
      MessageTransport healthy, UnaryOperator<List<DeadLetter>> fault) {
    return with(
        healthy,
        new ForwardingDeadLetters(healthy.deadLetters()) {
          @Override
          public List<DeadLetter> list(Destination source, String group, int limit) {
            return fault.apply(super.list(source, group, limit));
          }
        });
  }

  static MessageTransport hidesCauses(MessageTransport healthy) {
    return listing(
        healthy,
        letters ->
            letters.stream()
                .map(
                    letter ->
                        new DeadLetter(
                            letter.messageId(),
                            letter.message().orElse(null),
                            Map.of("reason", letter.reason())))
                .toList());
  }

  static MessageTransport hidesUndecodable(MessageTransport healthy) {
    return listing(
        healthy,
        letters -> letters.stream().filter(letter -> letter.message().isPresent()).toList());
  }

  static MessageTransport listsLate(MessageTransport healthy) {
    return listing(
        healthy,
        letters ->
            letters.stream()
                .filter(letter -> letter.failedAt().isBefore(Instant.now().minusSeconds(1)))
                .toList());
  }

  static MessageTransport reversesLists(MessageTransport healthy) {
    return listing(
        healthy,
        letters -> {
          List<DeadLetter> reversed = new ArrayList<>(letters);
          Collections.reverse(reversed);
          return reversed;
        });
  }

  static MessageTransport listRemoves(MessageTransport healthy) {
    return with(
        healthy,
        new ForwardingDeadLetters(healthy.deadLetters()) {
          @Override
          public List<DeadLetter> list(Destination source, String group, int limit) {
            List<DeadLetter> letters = super.list(source, group, limit);
            if (letters.size() >= 2) {
              super.discard(source, group, letter -> true);
            }
            return letters;
          }
        });
  }

  static MessageTransport repeatsPages(MessageTransport healthy) {
    return with(
        healthy,
        new ForwardingDeadLetters(healthy.deadLetters()) {
          @Override
          public DeadLetterListing open(Destination source, String group) {
            AtomicInteger pages = new AtomicInteger();
            return new DeadLetterListing() {
              @Override
              public List<DeadLetter> next(int limit) {
                return pages.incrementAndGet() > 10
                    ? List.of()
                    : letters.list(source, group, limit);
              }

              @Override
              public void close() {}
            };
          }
        });
  }

  static MessageTransport selectsAhead(MessageTransport healthy) {
    return with(
        healthy,
        new ForwardingDeadLetters(healthy.deadLetters()) {
          @Override
          public int redrive(Destination source, String group, Predicate<DeadLetter> select) {
            Set<String> chosen =
                super.list(source, group, 1_000).stream()
                    .filter(select)
                    .map(DeadLetter::messageId)
                    .collect(Collectors.toSet());
            return super.redrive(source, group, letter -> chosen.contains(letter.messageId()));
          }
        });
  }

  static MessageTransport redrivesBackwards(MessageTransport healthy) {
    return with(
        healthy,
        new ForwardingDeadLetters(healthy.deadLetters()) {
          @Override
          public int redrive(Destination source, String group, Predicate<DeadLetter> select) {
            List<DeadLetter> letters = new ArrayList<>(super.list(source, group, 1_000));
            Collections.reverse(letters);
            int sent = 0;
            for (DeadLetter chosen : letters) {
              String id = chosen.messageId();
              sent +=
                  super.redrive(
                      source,
                      group,
                      letter -> letter.messageId().equals(id) && select.test(letter));
            }
            return sent;
          }
        });
  }

  static MessageTransport takesAnyLimit(MessageTransport healthy) {
    return with(
        healthy,
        new ForwardingDeadLetters(healthy.deadLetters()) {
          @Override
          public List<DeadLetter> list(Destination source, String group, int limit) {
            return super.list(source, group, Math.max(1, Math.min(100_000, limit)));
          }
        });
  }

  static MessageTransport ignoresSelection(MessageTransport healthy) {
    return with(
        healthy,
        new ForwardingDeadLetters(healthy.deadLetters()) {
          @Override
          public int redrive(Destination source, String group, Predicate<DeadLetter> select) {
            return super.redrive(source, group, letter -> true);
          }

          @Override
          public int discard(Destination source, String group, Predicate<DeadLetter> select) {
            return super.discard(source, group, letter -> true);
          }
        });
  }

  static MessageTransport ignoresDiscard(MessageTransport healthy) {
    return with(
        healthy,
        new ForwardingDeadLetters(healthy.deadLetters()) {
          @Override
          public int discard(Destination source, String group, Predicate<DeadLetter> select) {
            return (int) super.list(source, group, 1_000).stream().filter(select).count();
          }
        });
  }

  static MessageTransport takesUnknownForEmpty(MessageTransport healthy) {
    return with(
        healthy,
        new ForwardingDeadLetters(healthy.deadLetters()) {
          @Override
          public List<DeadLetter> list(Destination source, String group, int limit) {
            try {
              return super.list(source, group, limit);
            } catch (TransportException e) {
              return List.of();
            }
          }
        });
  }

  /** Publishes dead letters to their destination instead of to the failing group. */
  static MessageTransport redrivesToAllGroups(MessageTransport healthy) {
    return republishing(healthy, message -> message);
  }

  static MessageTransport redrivesAsNew(MessageTransport healthy) {
    return republishing(healthy, message -> message.toBuilder().id(MessageIds.next()).build());
  }

  private static MessageTransport republishing(
      MessageTransport healthy, UnaryOperator<Message> change) {
    return with(
        healthy,
        new ForwardingDeadLetters(healthy.deadLetters()) {
          @Override
          public int redrive(Destination source, String group, Predicate<DeadLetter> select) {
            int sent = 0;
            for (DeadLetter letter : super.list(source, group, 1_000)) {
              if (select.test(letter) && letter.message().isPresent()) {
                Message message = change.apply(letter.message().get());
                healthy.publisher().publish(source, message).toCompletableFuture().join();
                sent++;
              }
            }
            super.discard(source, group, select);
            return sent;
          }
        });
  }
}
