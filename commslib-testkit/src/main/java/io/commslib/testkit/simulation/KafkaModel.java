package io.commslib.testkit.simulation;

import io.commslib.core.messaging.ForeignRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Partitions that are read by offset, owned by one member each, with committed offsets that belong
 * to a generation. Members lose partitions in an orderly way (their last commit counts), or without
 * noticing (it does not).
 */
final class KafkaModel implements BrokerModel {

  private static final int PARTITIONS = 2;

  private static final class Partition {
    final int number;
    final List<ForeignRecord> log = new ArrayList<>();
    OffsetLedger.Commit committed = new OffsetLedger.Commit(0, "");
    int generation;
    @Nullable Assignment owner;

    /** The member that the broker has chosen as the next owner, or null. */
    @Nullable SimulatedConsumer target;

    Partition(int number) {
      this.number = number;
    }
  }

  /** A partition assigned to a member; the scope of its deliveries. */
  private static final class Assignment {
    final Partition partition;
    final SimulatedConsumer member;
    final int generation;
    final OffsetLedger ledger;
    long position;
    boolean leaving;
    OffsetLedger.Commit lastCommit;

    Assignment(Partition partition, SimulatedConsumer member, OffsetLedger ledger) {
      this.partition = partition;
      this.member = member;
      this.generation = partition.generation;
      this.ledger = ledger;
      this.lastCommit = partition.committed;
      this.position = partition.committed.offset();
      ledger.restore(partition.committed);
    }
  }

  private final SimulatedWorld world;
  private final Supplier<OffsetLedger> ledgers;
  private final SimulatedGroup group;
  private final List<Partition> partitions = new ArrayList<>();

  /** The members that lost a partition and have not noticed. */
  private final List<Assignment> unaware = new ArrayList<>();

  private int commitsToReject;

  KafkaModel(SimulatedWorld world, Supplier<OffsetLedger> ledgers) {
    this.world = world;
    this.ledgers = ledgers;
    this.group = new SimulatedGroup(world, this::acknowledged);
    for (int i = 0; i < PARTITIONS; i++) {
      partitions.add(new Partition(i));
    }
  }

  @Override
  public void publish(String key, int number) {
    partitions.get(key.hashCode() % PARTITIONS).log.add(SimulatedGroup.wire(key, number));
  }

  private void acknowledged(ModelDelivery delivery) {
    ((Assignment) delivery.scope()).ledger.finished(delivery.number());
  }

  @Override
  public boolean step() {
    List<Runnable> possible = new ArrayList<>();
    if (group.isAnybodyDead()) {
      possible.add(group::restartDead);
    }
    for (Partition partition : partitions) {
      Assignment owner = partition.owner;
      if (owner == null || !owner.member.isAlive()) {
        if (!group.alive().isEmpty()) {
          possible.add(() -> assign(partition));
        }
      } else if (owner.leaving) {
        possible.add(() -> leave(owner));
      } else {
        if (owner.position < partition.log.size() && owner.member.engine().isIntakeOpen()) {
          possible.add(() -> fetch(owner));
        }
        if (!owner.ledger.commit().equals(owner.lastCommit)) {
          possible.add(() -> commit(owner, owner.ledger.commit()));
        }
      }
    }
    // Rarely, so that members keep working for a while on partitions that they have lost.
    if (possible.isEmpty() || world.random().nextInt(20) == 0) {
      unaware.forEach(lost -> possible.add(() -> notice(lost)));
    }
    if (possible.isEmpty()) {
      return false;
    }
    possible.get(world.random().nextInt(possible.size())).run();
    return true;
  }

  private void assign(Partition partition) {
    partition.generation++;
    SimulatedConsumer target = partition.target;
    partition.target = null;
    Assignment assignment =
        new Assignment(
            partition, target != null && target.isAlive() ? target : group.any(), ledgers.get());
    if (world.saboteur() == SimulationFault.STARTS_AT_THE_END) {
      assignment.position = partition.log.size();
    }
    partition.owner = assignment;
    // An unaware member may be assigned a partition that it still works on.
    world.state().forgetDues(assignment.member.name());
    world
        .state()
        .trace(
            assignment.member.name()
                + " gets "
                + partition.number
                + " from "
                + assignment.position);
  }

  private void fetch(Assignment to) {
    int records = 1 + world.random().nextInt(4);
    for (int i = 0; i < records && to.position < to.partition.log.size(); i++) {
      long offset = to.position++;
      if (world.saboteur() == SimulationFault.REORDERS
          && to.position < to.partition.log.size()
          && world.random().nextInt(4) == 0) {
        take(to, to.position++);
      }
      take(to, offset);
    }
  }

  private void take(Assignment to, long offset) {
    ForeignRecord wire = to.partition.log.get((int) offset);
    ModelDelivery delivery = new ModelDelivery(to, wire, offset, 0);
    if (!to.ledger.accepted(offset)) {
      if (!world.state().isComplete(delivery.id())) {
        world.state().violated(delivery.id() + " was treated as finished");
      }
      return;
    }
    if (world.saboteur() == SimulationFault.ACKNOWLEDGES_EARLY) {
      to.ledger.finished(offset);
    }
    to.member.engine().accept(delivery);
  }

  private void commit(Assignment by, OffsetLedger.Commit commit) {
    by.lastCommit = commit;
    OffsetLedger.Commit said = spoilt(by, commit);
    if (commitsToReject > 0) {
      commitsToReject--;
      by.lastCommit = new OffsetLedger.Commit(-1, "");
      world.state().trace("commit rejected");
      return;
    }
    Partition partition = by.partition;
    boolean fenced = partition.generation != by.generation;
    if (fenced && world.saboteur() != SimulationFault.SKIPS_THE_FENCE) {
      return;
    }
    if (said.offset() < partition.committed.offset()) {
      world.state().violated("commit of " + partition.number + " went backwards");
    }
    for (long offset = partition.committed.offset(); offset < said.offset(); offset++) {
      ForeignRecord wire = partition.log.get((int) offset);
      String id = String.valueOf(wire.texts().get("ce_id"));
      if (!world.state().isComplete(id)) {
        world.state().violated("commit went past " + id + ", which is unfinished");
      }
    }
    partition.committed = said;
    world.state().trace("committed " + partition.number + " at " + said.offset());
  }

  private OffsetLedger.Commit spoilt(Assignment by, OffsetLedger.Commit commit) {
    boolean past =
        world.saboteur() == SimulationFault.COMMITS_PAST_A_GAP
            || (world.saboteur() == SimulationFault.LOSES_ON_REVOKE && by.leaving);
    if (past) {
      return new OffsetLedger.Commit(by.position, "");
    }
    if (world.saboteur() == SimulationFault.NOTES_TOO_MUCH && commit.offset() + 1 < by.position) {
      String more = Long.toString(commit.offset() + 1);
      return new OffsetLedger.Commit(
          commit.offset(), commit.metadata().isEmpty() ? more : commit.metadata() + "," + more);
    }
    return commit;
  }

  /** A member releases a partition in an orderly way. */
  private void leave(Assignment leaving) {
    commit(leaving, leaving.ledger.commit());
    leaving.member.engine().revoke(leaving);
    world.state().forgetDues(leaving.member.name());
    leaving.partition.owner = null;
  }

  private void notice(Assignment lost) {
    unaware.remove(lost);
    if (lost.member.isAlive()) {
      lost.member.engine().revoke(lost);
      world.state().forgetDues(lost.member.name());
    }
  }

  @Override
  public void fault() {
    switch (world.random().nextInt(7)) {
      case 0 -> {
        if (!group.alive().isEmpty()) {
          world.faultHappened("crash");
          group.any().crash();
        }
      }
      case 1 -> {
        world.faultHappened("eager rebalance");
        partitions.forEach(this::startLeaving);
      }
      case 2 -> {
        // Only partitions that move stop; they are assigned in a second rebalance.
        world.faultHappened("cooperative rebalance");
        startLeaving(partitions.get(world.random().nextInt(PARTITIONS)));
      }
      case 3 -> {
        if (!group.alive().isEmpty()) {
          world.faultHappened("rebalance by the broker");
          moveByBroker();
        }
      }
      case 4 -> {
        world.faultHappened("partition lost");
        lose(partitions.get(world.random().nextInt(PARTITIONS)));
      }
      case 5 -> {
        world.faultHappened("commits rejected");
        commitsToReject = 1 + world.random().nextInt(3);
      }
      default -> {
        world.faultHappened("clock jumps");
        world.jumpClock();
      }
    }
  }

  /**
   * KIP-848: the broker names the owners; each member releases on its own, independent of the
   * others.
   */
  private void moveByBroker() {
    for (Partition partition : partitions) {
      SimulatedConsumer target = group.any();
      Assignment owner = partition.owner;
      if (owner != null && owner.member != target) {
        partition.target = target;
        startLeaving(partition);
      }
    }
  }

  private void startLeaving(Partition partition) {
    Assignment owner = partition.owner;
    if (owner != null && owner.member.isAlive() && !owner.leaving) {
      owner.leaving = true;
      owner.member.engine().stopScope(owner);
    }
  }

  /** The session expires: the broker reassigns the partition, and the member continues unaware. */
  private void lose(Partition partition) {
    Assignment owner = partition.owner;
    if (owner != null && owner.member.isAlive()) {
      unaware.add(owner);
      partition.owner = null;
      partition.generation++;
      if (world.saboteur() == SimulationFault.SKIPS_THE_FENCE) {
        commit(owner, new OffsetLedger.Commit(0, ""));
      }
    }
  }

  @Override
  public void heal() {
    commitsToReject = 0;
    group.restartDead();
  }

  @Override
  public void checkAtTheEnd() {
    group.checkBalance();
    for (Partition partition : partitions) {
      long committed = partition.committed.offset();
      if (committed != partition.log.size() && Objects.nonNull(partition.owner)) {
        world
            .state()
            .violated("committed " + committed + " of " + partition.log.size() + " at the end");
      }
    }
  }
}
