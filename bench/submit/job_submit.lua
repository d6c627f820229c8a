-- What a site writes for the same refusals: the tables are kept by hand, since Lua does not see nodes.
local partitions = { gpu = { types = { h100 = 8 }, nodes = NODES, default = true, gpus = 8, cpus = 96, minutes = 1440 } }

local function requested(job)
   local found = {}
   for _, field in ipairs({ "tres_per_node", "tres_per_job", "tres_per_socket", "tres_per_task" }) do
      local text = job[field]
      if text ~= nil and text ~= "" then
         for item in string.gmatch(text, "[^,]+") do
            local rest = string.match(item, "^gres[:/]gpu[:=]?(.*)$") or string.match(item, "^gpu[:=]?(.*)$")
            if rest ~= nil then
               local kind, count = string.match(rest, "^([%a][%w_]*)[:=]?(%d*)$")
               if kind == nil then count = string.match(rest, "^(%d*)$") end
               table.insert(found, { per = field, type = kind, count = tonumber(count) or 1 })
            end
         end
      end
   end
   return found
end

local function names(types)
   local list = {}
   for name, count in pairs(types) do table.insert(list, name .. " x " .. count) end
   return table.concat(list, ", ")
end

function slurm_job_submit(job, part_list, uid)
   local asked = requested(job)
   local chosen = job.partition
   if chosen == nil or chosen == "" then
      for name, partition in pairs(partitions) do if partition.default then chosen = name end end
   end
   local refusal = nil
   for name in string.gmatch(chosen, "[^,]+") do
      local partition = partitions[name]
      if partition ~= nil then
         local wrong = nil
         for _, gpu in ipairs(asked) do
            local most = gpu.type and partition.types[gpu.type] or partition.gpus
            local nodes = job.min_nodes ~= slurm.NO_VAL and job.min_nodes or 1
            if gpu.type ~= nil and partition.types[gpu.type] == nil then
               wrong = string.format("gpu:%s is not in partition %s (has %s)", gpu.type, name, names(partition.types))
            elseif gpu.per == "tres_per_node" and gpu.count > most then
               wrong = string.format("%d GPUs per node are more than any node of %s has (%d)", gpu.count, name, most)
            elseif gpu.per == "tres_per_job" and gpu.count > most * partition.nodes then
               wrong = string.format("%d GPUs are more than partition %s has", gpu.count, name)
            elseif nodes > partition.nodes then
               wrong = string.format("%d nodes are more than partition %s has", nodes, name)
            end
         end
         if #asked == 0 and partition.gpus > 0 then slurm.log_user("partition %s has GPUs, but none is asked for", name) end
         if job.time_limit ~= slurm.NO_VAL and job.time_limit > partition.minutes then wrong = "the time limit is too long" end
         if job.cpus_per_task ~= slurm.NO_VAL16 and job.cpus_per_task > partition.cpus then wrong = "too many CPUs per task" end
         if wrong == nil then return slurm.SUCCESS end
         refusal = wrong
      end
   end
   if refusal ~= nil then
      slurm.log_user("%s", refusal)
      return slurm.ERROR
   end
   return slurm.SUCCESS
end

function slurm_job_modify(job, record, part_list, uid)
   return slurm.SUCCESS
end

return slurm.SUCCESS
